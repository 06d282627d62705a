import {
  addInstance,
  operationOf,
  receive,
  removeInstance,
  rowOf,
  type Sample,
  toEvent,
} from './sample-evidence.ts';

/** What is named, how its finding begins (kind and subject), and what is wrong with the evidence. */
export type ViolationCase = [title: string, expected: string, change: (sample: Sample) => void];

/** Of instances, events and answers. */
export const purchaseCases: ViolationCase[] = [
  ['an accepted call without an instance', 'lost instance key-3', (sample) => removeInstance(sample, '102')],
  [
    'an accepted entry without an instance',
    'lost stream entry of user',
    (sample) => removeInstance(sample, '103'),
  ],
  ['an instance without its event', 'lost instance 102', ({ messages }) => messages.events.splice(3, 1)],
  [
    'a second instance of one order',
    'doubled order order-1',
    (sample) => addInstance(sample, '100', { instanceId: '200', scope: 'x' }),
  ],
  [
    'a second instance of one entry',
    'doubled SECKILL 1-9',
    (sample) => addInstance(sample, '103', { instanceId: '200', sourceId: '1-9' }),
  ],
  [
    'an event with a second instance id',
    'doubled instance 200',
    (sample) => {
      const row = { ...rowOf(sample, '102'), instanceId: '200' };
      sample.messages.events.push(receive('200', toEvent(sample.shop, row)));
    },
  ],
  [
    'an instance of a user who bought nothing',
    'phantom SECKILL 1-9',
    (sample) => {
      const userId = (sample.shop.firstUser + 77n).toString();
      addInstance(sample, '103', { instanceId: '200', sourceId: '1-9', userId });
    },
  ],
  [
    'an instance of a purchase that was refused',
    'phantom instance key-3',
    (sample) => {
      const { attempts } = operationOf(sample, 3);
      for (const attempt of attempts) attempt.answer = { outcome: 'refused', code: '422 PRODUCT_DISABLED' };
    },
  ],
  [
    'a refund of an order whose instance stands',
    'phantom order order-1',
    ({ messages }) => {
      const content = { ...messages.refunds[0]?.content, orderId: 'order-1' } as never;
      messages.refunds.push(receive('refund-100', content));
    },
  ],
  [
    'a release of an instance that stands',
    'phantom instance 102',
    (sample) =>
      sample.messages.releases.push(receive('release-102', toEvent(sample.shop, rowOf(sample, '102')))),
  ],
  [
    'an event with two contents',
    'changed bytes INSTANCE_CREATED 102',
    ({ messages }) => messages.events[3]?.bodies.push('another hash'),
  ],
  [
    'a refund request with two contents',
    'changed bytes ORDER_REFUND_REQUESTED refund-101',
    ({ messages }) => messages.refunds[0]?.bodies.push('another hash'),
  ],
  [
    'a repeat with another instance',
    'changed answer instance key-3',
    (sample) => Object.assign(operationOf(sample, 3).attempts[1]?.answer ?? {}, { id: '999' }),
  ],
  [
    'an answer with another instance than the row',
    'changed answer order order-2',
    (sample) => Object.assign(operationOf(sample, 2).attempts[0]?.answer ?? {}, { id: '999' }),
  ],
  [
    'a buy that is refused after it was accepted',
    'changed answer buy key-4',
    (sample) => {
      const answer = { outcome: 'refused', code: '409 SOLD_OUT' } as const;
      operationOf(sample, 4).attempts.push({ sentAtMs: 9_000, answeredAtMs: 9_001, answer });
    },
  ],
  [
    'an instance of another user',
    'wrong content instance key-3',
    (sample) => {
      rowOf(sample, '102').userId = operationOf(sample, 1).userId;
    },
  ],
  [
    'an event with another size',
    'wrong content instance 102',
    ({ messages }) => Object.assign(messages.events[3]?.content.spec ?? {}, { cpus: 64 }),
  ],
  [
    'an instance with another result than answered',
    'wrong content instance 102',
    ({ messages }) => messages.answers.set('102', false),
  ],
  [
    'a refund of another amount',
    'wrong content order order-2',
    ({ messages }) => Object.assign(messages.refunds[0]?.content ?? {}, { amountCents: '1' }),
  ],
];
