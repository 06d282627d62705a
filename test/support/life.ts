import { expect, onTestFinished } from 'vitest';
import { pollUntil } from './poll-until.ts';
import { countMessages, createQueueName, drainQueue, queuesBeside, rabbitmqUrl } from './stores.ts';
import { type RunningWeir, spawnWeir } from './weir.ts';

export interface LifeQueues {
  created: string;
  results: string;
  releases: string;
  refunds: string;
}

/** Queues of the test, and the settings that name them. */
export function createLifeQueues(): { queues: LifeQueues; env: Record<string, string> } {
  const created = createQueueName();
  const beside = queuesBeside(created);
  return {
    queues: {
      created,
      results: beside.WEIR_DATA_RABBITMQ_RESULTQUEUE as string,
      releases: beside.WEIR_DATA_RABBITMQ_RELEASEQUEUE as string,
      refunds: beside.WEIR_DATA_RABBITMQ_REFUNDQUEUE as string,
    },
    env: { WEIR_DATA_RABBITMQ_URL: rabbitmqUrl, WEIR_DATA_RABBITMQ_QUEUE: created, ...beside },
  };
}

/** `weir resource` as a process of its own; it ends with the test. */
export function startResource(env: Record<string, string>, ...flags: string[]): void {
  const child = spawnWeir(['resource', '--delay', '0', ...flags], env);
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
}

/** Waits until nothing is in progress, and requires that every sum holds. */
export async function expectAuditHolds(weir: RunningWeir, deadlineMs = 60_000): Promise<void> {
  const audit = await pollUntil('nothing to be under way', deadlineMs, async () => {
    const { body } = await weir.request('GET', '/v1/audit');
    const { refunds: _, parked: __, overdue: ___, ...waiting } = body.waiting;
    expect(waiting).toEqual({ entries: 0, events: 0, processing: 0, restocks: 0 });
    return body;
  });
  const broken = audit.sums.filter(
    ({ difference, exceptions }: { difference: number; exceptions: unknown[] }) =>
      difference !== 0 || exceptions.length > 0,
  );
  expect(broken).toEqual([]);
  expect(audit.ok).toBe(true);
}

/** Ids of the messages on a queue that may not exist yet; repeats are removed, as a consumer would do. */
export async function readIds(queue: string, atLeast: number): Promise<string[]> {
  if (atLeast === 0) return [];
  // Weir answers before the broker has its queues, because it also sells while the broker is unavailable.
  await pollUntil(`the queue ${queue} to be made`, 15_000, () => countMessages(queue));
  const messages = await drainQueue(queue, atLeast);
  return [...new Set(messages.map(({ id }) => id))].sort();
}
