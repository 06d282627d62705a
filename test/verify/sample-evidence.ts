import type { InstanceEvent, RefundRequest } from '../../verify/src/domain/contract.ts';
import type { Received } from '../../verify/src/domain/mailbox.ts';
import { paymentIdOf } from '../../verify/src/drive/send.ts';
import { createShop, labelOf, source, streamOf } from '../../verify/src/drive/shop.ts';
import type { CompensationRow, Evidence, InstanceRow } from '../../verify/src/evidence/evidence.ts';
import type { Answer, Operation, Way } from '../../verify/src/history/operation.ts';

/** Evidence that a test may change. */
type Writable<T> = T extends readonly (infer Item)[]
  ? Writable<Item>[]
  : T extends ReadonlyMap<infer Key, infer Value>
    ? Map<Key, Value>
    : T extends object
      ? { -readonly [Key in keyof T]: Writable<T[Key]> }
      : T;

export type Sample = Omit<Evidence, 'messages' | 'tables' | 'sale' | 'operations'> & {
  operations: Operation[];
  rows: InstanceRow[];
  orders: Map<string, string>;
  entries: Map<string, 'absent' | 'waiting' | 'taken'>;
  parked: Writable<Evidence['parked']>;
  sale: Writable<NonNullable<Evidence['sale']>>;
  messages: {
    events: Received<InstanceEvent>[];
    releases: Received<InstanceEvent>[];
    refunds: Received<RefundRequest>[];
    answers: Map<string, boolean>;
    reports: Map<string, string>;
  };
  tables: { rows: InstanceRow[]; compensations: CompensationRow[] };
};

const ids = { stream: '1-1', order: '100', failed: '101', instance: '102', first: '2-1', second: '2-2' };

/**
 * What holds: an entry; an order made in Weir; one of the shop, whose instance failed and was refunded; a call; and a user who
 * bought two units, the limit, and was refused a third. Instances are 100 to 105.
 */
export function createSample(): Sample {
  const shop = createShop({ stock: 3, perUserLimit: 2 });
  const user = (n: number) => (shop.firstUser + BigInt(n)).toString();
  const buy = (way: Way, n: number, ...answers: Answer[]): Operation => ({
    ...{ number: n, way, ordinal: n, productId: way === 'buy' ? shop.onSale.id : shop.plain.id },
    ...{ userId: user(way === 'buy' ? 9 : n), key: `key-${n}`, isMadeHere: n === 1, startedAtMs: 1_000 },
    orderId: way === 'order' ? `order-${n}` : undefined,
    attempts: answers.map((answer, i) => ({
      ...{ sentAtMs: 1_000 * (i + 1), answeredAtMs: 1_000 * (i + 1) + 5, answer },
    })),
  });
  const ok = (id: string): Answer => ({ outcome: 'ok', id });
  const operations = [
    buy('stream', 0, ok(ids.stream)),
    buy('order', 1, { outcome: 'unknown', cause: 'ECONNRESET' }, ok(ids.order)),
    buy('order', 2, ok(ids.failed)),
    buy('instance', 3, ok(ids.instance), ok(ids.instance)),
    buy('buy', 4, ok(ids.first)),
    buy('buy', 5, ok(ids.second)),
    buy('buy', 6, { outcome: 'refused', code: '409 LIMIT_REACHED' }),
  ];
  const row = (instanceId: number, n: number, from: string, sourceId: string, status = 'SUCCESS') => {
    const { productId, userId } = operations[n] as Operation;
    const product = productId === shop.onSale.id ? shop.onSale : shop.plain;
    const scope = from === 'SECKILL' ? streamOf(product) : '';
    return { instanceId: `${instanceId}`, productId, userId, source: from, sourceId, scope, status };
  };
  const rows = [
    row(103, 0, 'SECKILL', ids.stream),
    row(100, 1, 'ORDER', 'order-1'),
    row(101, 2, 'ORDER', 'order-2', 'FAILED'),
    row(102, 3, source, 'key-3'),
    row(104, 4, 'SECKILL', ids.first),
    row(105, 5, 'SECKILL', ids.second),
  ];
  const refund: RefundRequest = {
    ...{ type: 'ORDER_REFUND_REQUESTED', orderId: 'order-2', instanceId: '101', productId: shop.plain.id },
    ...{ userId: user(2), amountCents: shop.plain.priceCents, paymentId: paymentIdOf('key-2') },
  };
  return {
    ...{ shop, operations, rows, parked: [], entries: new Map(), redisMayLose: false },
    orders: new Map([['order-1', 'COMPLETED']]),
    sale: { stock: 3, sold: 2, remaining: 1, restocked: 0 },
    messages: {
      events: rows.map((each) => receive(each.instanceId, toEvent(shop, each))),
      releases: [],
      refunds: [receive('refund-101', refund)],
      answers: new Map(rows.map(({ instanceId, status }) => [instanceId, status === 'SUCCESS'])),
      reports: new Map([['refund-101', 'ok']]),
    },
    tables: {
      rows: [...rows],
      compensations: [
        { kind: 'REFUND', source: 'ORDER', sourceId: 'order-2', status: 'DONE', outcome: 'REFUNDED' },
      ],
    },
  };
}

export function receive<Content extends { type: string }>(
  messageId: string,
  content: Content,
): Received<Content> {
  return { messageId, type: content.type, content, bodies: ['a hash'], copies: 1, firstAtMs: 1_000 };
}

export function toEvent(
  shop: Evidence['shop'],
  { productId, instanceId, userId }: InstanceRow,
): InstanceEvent {
  const product = productId === shop.onSale.id ? shop.onSale : shop.plain;
  const { cpus, memoryMb, gpu, image } = product;
  return {
    ...{ type: 'INSTANCE_CREATED', instanceId, userId, name: `${labelOf(product)}-${instanceId}` },
    ...{ spec: { cpus, memoryMb, gpu, image }, hasTimestamp: true },
  };
}

/** The row of this instance. */
export function rowOf({ rows }: Sample, instanceId: string): InstanceRow {
  const row = rows.find((each) => each.instanceId === instanceId);
  if (!row) throw new Error(`no row ${instanceId}`);
  return row;
}

export const operationOf = (sample: Sample, n: number) => sample.operations[n] as Operation;

/** The row, its copy in the table, and all that its instance sent. */
export function removeInstance(sample: Sample, instanceId: string): void {
  const isOther = (each: { instanceId: string }) => each.instanceId !== instanceId;
  sample.rows = sample.rows.filter(isOther);
  sample.tables.rows = sample.tables.rows.filter(isOther);
  sample.messages.events = sample.messages.events.filter(({ messageId }) => messageId !== instanceId);
}

/** A copy of the row under another identity, with its event. */
export function addInstance(sample: Sample, of: string, change: Partial<Sample['rows'][number]>): void {
  const row = { ...rowOf(sample, of), ...change };
  sample.rows.push(row);
  sample.tables.rows.push(row);
  sample.messages.events.push(receive(row.instanceId, toEvent(sample.shop, row)));
}

export function fail(sample: Sample, instanceId: string): void {
  rowOf(sample, instanceId).status = 'FAILED';
  sample.messages.answers.set(instanceId, false);
}
