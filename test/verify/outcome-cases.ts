import type { ViolationCase } from './purchase-cases.ts';
import { addInstance, fail, operationOf, receive, removeInstance, rowOf } from './sample-evidence.ts';

/** Of the sale, of compensations, and of what does not settle. */
export const outcomeCases: ViolationCase[] = [
  [
    'more instances than stock',
    'oversold sale of product',
    (sample) => {
      for (const nth of [1, 2]) {
        const userId = (sample.shop.firstUser + BigInt(50 + nth)).toString();
        addInstance(sample, '104', { instanceId: `20${nth}`, sourceId: `2-5${nth}`, userId });
      }
    },
  ],
  [
    'a third instance of a user whose limit is two',
    'over limit user',
    (sample) => addInstance(sample, '104', { instanceId: '200', sourceId: '2-3' }),
  ],
  [
    'counters of a sale that do not add up',
    'unbalanced sale of product',
    ({ sale }) => {
      sale.remaining = 0;
    },
  ],
  [
    'a row that the API does not list',
    'unbalanced instance 200',
    (sample) => sample.tables.rows.push({ ...rowOf(sample, '102'), instanceId: '200' }),
  ],
  [
    'a failed order without a refund request',
    'missing refund order order-2',
    ({ messages }) => messages.refunds.pop(),
  ],
  [
    'a failed order without a refund in the table',
    'missing refund instance 101',
    ({ tables }) => tables.compensations.pop(),
  ],
  [
    'an order with two refund requests',
    'double refund order order-2',
    ({ messages }) => messages.refunds.push(receive('refund-7', messages.refunds[0]?.content as never)),
  ],
  [
    'a unit of a failed instance that is not back',
    'missing restock sale of product',
    (sample) => fail(sample, '104'),
  ],
  [
    'a failed unit without a restock in the table',
    'missing restock instance 104',
    (sample) => {
      fail(sample, '104');
      Object.assign(sample.sale, { sold: 1, restocked: 1 });
    },
  ],
  [
    'a unit that is back though its instance lives',
    'double restock sale of product',
    ({ sale }) => Object.assign(sale, { sold: 1, restocked: 1 }),
  ],
  [
    'an instance that was given up and not released',
    'missing release instance 101',
    (sample) => {
      rowOf(sample, '101').reason = 'TIMEOUT';
    },
  ],
  [
    'a purchase that is refused without a reason',
    'refused instance key-3',
    (sample) => {
      removeInstance(sample, '102');
      const { attempts } = operationOf(sample, 3);
      for (const attempt of attempts) attempt.answer = { outcome: 'refused', code: '400 REQUEST_INVALID' };
    },
  ],
  [
    'a caller who is never answered',
    'stuck buy key-6',
    (sample) => Object.assign(operationOf(sample, 6).attempts[0] ?? {}, { answer: { outcome: 'unknown' } }),
  ],
  [
    'an entry that Redis never took',
    'stuck stream entry of user',
    (sample) => {
      removeInstance(sample, '103');
      const answer = { outcome: 'unknown', cause: 'CLUSTERDOWN', isUndone: true } as const;
      operationOf(sample, 0).attempts = [{ sentAtMs: 1, answeredAtMs: 2, answer }];
    },
  ],
  [
    'an instance that stays PROCESSING',
    'stuck instance 102',
    (sample) => {
      rowOf(sample, '102').status = 'PROCESSING';
    },
  ],
  [
    'an entry that waits on its stream',
    'stuck stream entry of user',
    (sample) => {
      removeInstance(sample, '103');
      sample.entries.set('1-1', 'waiting');
    },
  ],
  [
    'a purchase that is parked',
    'stuck order order-1',
    (sample) => {
      removeInstance(sample, '100');
      const item = { id: '7', origin: 'PAYMENT', reason: 'PRODUCT_NOT_FOUND', instanceId: null };
      sample.parked.push({ ...item, sourceId: 'order-1' });
    },
  ],
  [
    'a message of an instance that is parked',
    'stuck parked item 7',
    ({ parked }) => {
      const item = { id: '7', origin: 'DEAD_LETTER', reason: 'MESSAGE_REJECTED', sourceId: 'm' };
      parked.push({ ...item, instanceId: '102' });
    },
  ],
  [
    'an order that does not follow its instance',
    'stuck order order-1',
    ({ orders }) => orders.set('order-1', 'PAID'),
  ],
  [
    'a refund whose report is refused',
    'stuck order order-2',
    ({ messages }) => messages.reports.set('refund-101', '409 ORDER_NOT_REFUNDABLE'),
  ],
  [
    'a compensation that stays requested',
    'stuck instance 101',
    ({ tables }) => Object.assign(tables.compensations[0] ?? {}, { status: 'REQUESTED', outcome: null }),
  ],
];
