import { describe, expect, test } from 'vitest';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import { type DeadMessage, readDeadLetter } from '../../src/core/parked/dead-letter.ts';
import { encodeResult } from '../../src/core/results/result.ts';
import { success } from '../support/parts.ts';

const now = new Date(1_790_000_000_000);
const read = (message: Partial<DeadMessage>) =>
  readDeadLetter({ messageId: '', type: '', body: Buffer.from('x'), ...message }, 'results', now);
const died = (reason: string, queue = 'created') => ({ 'x-death': [{ count: 1, reason, queue }] });

describe('a dead letter', () => {
  test.each([
    ['delivery_limit', 'DELIVERY_LIMIT'],
    ['rejected', 'MESSAGE_REJECTED'],
    ['expired', 'MESSAGE_EXPIRED'],
    ['maxlen', 'QUEUE_FULL'],
    ['something_new', 'DEAD_LETTERED'],
  ])('a dead letter of %s is parked with reason %s', (reason, code) => {
    const headers = died(reason);
    expect(read({ messageId: '7', type: 'INSTANCE_CREATED', headers })).toMatchObject({
      queue: 'created',
      error: { code },
    });
  });

  test('a dead letter that died several times names the last queue and reason', () => {
    const headers = {
      'x-death': [...died('expired', 'second')['x-death'], ...died('rejected', 'first')['x-death']],
    };
    expect(read({ headers })).toMatchObject({ queue: 'second', error: { code: 'MESSAGE_EXPIRED' } });
  });

  test.each([
    ['no headers', undefined],
    ['no deaths', { 'x-death': [] }],
    ['deaths that are none', { 'x-death': 'yesterday' }],
    ['a death without words', { 'x-death': [null] }],
  ])('a dead letter with %s is parked all the same', (_, headers) => {
    expect(read({ headers })).toMatchObject({ queue: '', error: { code: 'DEAD_LETTERED' }, kind: '' });
  });

  test.each([
    ['INSTANCE_CREATED', '7', 'AGAIN'],
    ['INSTANCE_RELEASE_REQUESTED', 'release-7', 'RELEASE'],
    ['ORDER_REFUND_REQUESTED', 'refund-7', 'REFUND'],
  ])('a dead letter of type %s is replayed through the outbox', (type, messageId, kind) => {
    const letter = read({ type, messageId, headers: died('rejected') });
    expect(letter).toMatchObject({ kind, messageId, messageType: type, instanceId: 7n, sourceId: messageId });
  });

  test('a dead letter from the result queue is a result, whatever its properties', () => {
    const body = encodeResult(success(9n as InstanceId));
    const letter = read({ body, headers: died('delivery_limit', 'results') });
    expect(letter).toMatchObject({ kind: 'RESULT', instanceId: 9n, original: body });
    expect(read({ headers: died('rejected', 'results') })).toMatchObject({
      kind: 'RESULT',
      instanceId: undefined,
    });
  });

  test('a dead letter of another program cannot be replayed', () => {
    const headers = died('rejected', 'elsewhere');
    const one = read({ messageId: '1', type: 'OTHER', headers, body: Buffer.from('one') });
    const other = read({ messageId: '1', type: 'OTHER', headers, body: Buffer.from('other') });
    expect(one).toMatchObject({ kind: '', queue: 'elsewhere' });
    expect(one.sourceId).not.toBe(other.sourceId);
  });

  test.each(['', 'a\0b', '字', 'x'.repeat(200)])(
    'a dead letter with a foreign id is not put into the outbox (case %#)',
    (messageId) => {
      expect(read({ messageId, type: 'INSTANCE_CREATED', headers: died('rejected') })).toMatchObject({
        kind: '',
      });
    },
  );
});
