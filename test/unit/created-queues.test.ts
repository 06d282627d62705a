import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { InstanceIds } from '../../src/core/instance/instance-id.ts';
import { nameCreatedQueues, pickQueue } from '../../src/core/outbox/created-queues.ts';
import { catchConfigError } from './config-samples.ts';

test('one queue keeps its name, several are numbered from 0', () => {
  expect(nameCreatedQueues('resource.instance.created', 1)).toEqual(['resource.instance.created']);
  expect(nameCreatedQueues('q', 3)).toEqual(['q.0', 'q.1', 'q.2']);
});

test('an event goes to the queue of its instance id modulo the number of queues', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: 1, max: 64 }), (id, count) => {
      const expected = count === 1 ? 'q' : `q.${id % BigInt(count)}`;
      expect(pickQueue(nameCreatedQueues('q', count), String(id))).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});

test('a message whose id is no number has the first queue', () => {
  expect(pickQueue(['q.0', 'q.1'], 'release-7')).toBe('q.0');
});

test('single purchases are spread over any number of queues up to 64', async () => {
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, wallMs: () => clock.nowMs };
  const lease = { workerId: 5, epoch: 1n, fromMs: 1_000, untilMs: 1e9 };
  const leases = { acquire: async () => lease, renew: async () => lease, release: async () => {} };
  const ids = new InstanceIds(leases, 1e9, clock);
  const taken: bigint[] = [];
  for (let ms = 0; ms < 1_000; ms++) {
    clock.nowMs = ms;
    taken.push(...(await ids.take(1)));
  }
  for (const count of [2, 3, 4, 8, 16, 64]) {
    const perQueue = new Map<string, number>();
    for (const id of taken) {
      const queue = pickQueue(nameCreatedQueues('q', count), String(id));
      perQueue.set(queue, (perQueue.get(queue) ?? 0) + 1);
    }
    expect(perQueue.size, `${count} queues`).toBe(count);
    expect(Math.max(...perQueue.values()), `${count} queues`).toBeLessThan((2 * taken.length) / count);
  }
});

describe('a configuration whose queues of events cannot be named', () => {
  test.each([
    ['a name that is too long', { WEIR_DATA_RABBITMQ_QUEUE: 'q'.repeat(254) }, 'data.rabbitmq.queue = '],
    [
      'the name of another queue',
      { WEIR_DATA_RABBITMQ_QUEUE: 'q', WEIR_DATA_RABBITMQ_RESULTQUEUE: 'q.1' },
      'data.rabbitmq.resultQueue = q.1: expected another name than q with a number',
    ],
  ])('%s is refused with one sentence', (_, env, sentence) => {
    const all = { ...env, WEIR_DATA_RABBITMQ_QUEUES: '2' };
    expect(catchConfigError(() => readConfig(undefined, all))).toContain(sentence);
    expect(() => readConfig(undefined, env)).not.toThrow();
  });
});
