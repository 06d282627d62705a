import { zhCodes } from './zh-codes.ts';

/** The audit's invariants, by the name of the sum. */
export const zhInvariants: Readonly<Record<string, string>> = {
  entries: '流中加入的条目 = 实例行 + 搁置 + 等待',
  events: '实例行 = 已确认的事件 + 等待 + 搁置',
  instances: '实例行 = 处理中 + 成功 + 失败',
  orders: '已支付的订单 = 其实例 + 来得太迟的支付',
  refunds: '失败的订单实例 = 已请求的退款',
  restocked: '失败的秒杀实例 = 应归还的库存',
  'nothing owed': '其他失败的实例 = 无需归还的购买',
  stock: '库存 = 已售 + 剩余 + 已归还',
  units: 'Redis 售出的份数 = 实例 + 搁置 + 等待',
  returned: '已归还的库存 = 秒杀收回的库存',
  unsettled: '没有实例在最后期限之后仍在处理中',
};

const states: Readonly<Record<string, string>> = {
  SUCCESS: zhCodes['state.SUCCESS'],
  FAILED: zhCodes['state.FAILED'],
  CANCELLED: '已取消',
  EXPIRED: '已过期',
  applied: '已采用',
  repeat: '重复',
  late: '迟到',
  contradicts: '矛盾',
  STREAM: zhCodes['origin.STREAM'],
  OUTBOX: zhCodes['origin.OUTBOX'],
  RESULT: zhCodes['origin.RESULT'],
  PAYMENT: zhCodes['origin.PAYMENT'],
  COMPENSATION: zhCodes['origin.COMPENSATION'],
  DEAD_LETTER: zhCodes['origin.DEAD_LETTER'],
};

/** What the steps of a timeline say, and who. */
const details: Readonly<Record<string, string>> = {
  buyer: '买家',
  weir: 'Weir',
  payment: '支付方',
  'payment callback': '支付回调',
  'resource domain': '资源域',
  'confirmed by the queue no later than this': '队列最迟此时已确认',
  'no result by the deadline': '到期仍无结果',
  'on request': '应操作员请求',
  'the machine has no owner': '这台机器没有归属',
  'given up without a result': '没有结果，已放弃',
  'the refund was not reported': '退款尚未回报',
  'back in the outbox': '已放回本地消息表',
  'the unit is put back once more': '将再次归还该件库存',
  "no sale of Weir's: the seller's own counters are not ours to change":
    '并非 Weir 的秒杀，卖方的计数不由 Weir 更改',
  'no capacity (simulated)': '没有容量（模拟）',
  'a further payment of an order that was paid before': '订单已支付，这是又一笔支付',
  TIMEOUT: '超时',
};

type Translate = (...parts: string[]) => string;

const patterns: readonly (readonly [RegExp, Translate])[] = [
  [/^entry (\S+) on (\S+)$/, (id, stream) => `流 ${stream} 的条目 ${id}`],
  [/^order (\S+)$/, (id) => `订单 ${id}`],
  [/^instance (\d+)$/, (id) => `实例 ${id}`],
  [/^made instance (\d+)$/, (id) => `已创建实例 ${id}`],
  [
    /^requested the refund of the payment: (.+)$/,
    (why = '') => `已请求退还这笔支付：${translateDetail(why) ?? why}`,
  ],
  [/^paid after the order was ([A-Z_]+)$/, (status = '') => `支付时订单状态为 ${states[status] ?? status}`],
  [/^was there already: instance (\d+)$/, (id) => `实例 ${id} 早已存在`],
  [/^(SUCCESS|FAILED)$/, (status = '') => states[status] ?? status],
  [
    /^(SUCCESS|FAILED): (.+)$/,
    (status = '', why = '') => `${states[status]}：${translateDetail(why) ?? why}`,
  ],
  [
    /^(SUCCESS|FAILED) (applied|repeat|late|contradicts)$/,
    (status = '', what = '') => `${states[status]}，${states[what]}`,
  ],
  [
    /^(STREAM|OUTBOX|RESULT|PAYMENT|COMPENSATION|DEAD_LETTER): ([A-Z_]+)$/,
    (origin = '', reason) => `${states[origin]}：${reason}`,
  ],
];

/** undefined: the text of another program, or one that is not known here. */
export function translateDetail(text: string): string | undefined {
  if (Object.hasOwn(details, text)) return details[text];
  for (const [pattern, translate] of patterns) {
    const match = pattern.exec(text);
    if (match) return translate(...match.slice(1));
  }
  return undefined;
}
