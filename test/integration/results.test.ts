import { connect } from 'amqplib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { RabbitmqConsumer } from '../../src/adapters/rabbitmq/consumer.ts';
import { RabbitmqPublisher } from '../../src/adapters/rabbitmq/publisher.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import type { Settled } from '../../src/core/results/classify-result.ts';
import { decodeResult, encodeResult, type InstanceResult } from '../../src/core/results/result.ts';
import { TakeResults, type UnfitResult } from '../../src/core/results/take-results.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createDeferred } from '../../src/lib/deferred.ts';
import type { Behaviour } from '../../src/ops/resource-domain/fate.ts';
import { type CreatedMessage, ResourceDomain } from '../../src/ops/resource-domain/resource-domain.ts';
import { failure, success } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { countMessages, createQueueName, drainQueue, rabbitmqUrl } from '../support/stores.ts';

const quiet = { onDown() {}, onUp() {}, onWarning() {} };

function createConsumer(queue: string, prefetch = 100): RabbitmqConsumer {
  const terms = { queueType: 'quorum' as const, deadLetterQueue: `${queue}.dead-letter` };
  const consumer = new RabbitmqConsumer({ url: rabbitmqUrl, queue, ...terms, prefetch, ...quiet });
  onTestFinished(() => consumer.close());
  return consumer;
}

async function send(queue: string, bodies: readonly Buffer[]): Promise<void> {
  const connection = await connect(rabbitmqUrl);
  const channel = await connection.createConfirmChannel();
  for (const body of bodies) channel.sendToQueue(queue, body, { persistent: true });
  await channel.waitForConfirms();
  await connection.close();
}

/** The result intake with a settle function of the test, running until the test ends. */
async function startIntake(
  queue: string,
  settle: (results: readonly InstanceResult[]) => Promise<Settled[]>,
) {
  const consumer = createConsumer(queue);
  const parked: UnfitResult[] = [];
  const intake = new TakeResults({
    queue: consumer,
    settle,
    park: async (unfit) => {
      parked.push(...unfit);
    },
    isTransient: (error) => (error as Error).message === 'the database is away',
    clock: systemClock,
    onSettled() {},
    onParked() {},
    onFailure() {},
  });
  const stop = new AbortController();
  const running = intake.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  await pollUntil('the consumer to be ready', 10_000, async () => expect(consumer.notReady).toBeUndefined());
  return { parked, consumer };
}

const id = (n: number) => BigInt(n) as InstanceId;

async function expectEmpty(queue: string): Promise<void> {
  await pollUntil('nothing to be left on the queue, handed out or not', 15_000, async () => {
    expect(await countMessages(queue)).toBe(0);
  });
}

describe('the result queue', () => {
  test('the result queue is read in batches, acknowledged when settled', async () => {
    const queue = createQueueName();
    const seen: InstanceResult[] = [];
    const { consumer } = await startIntake(queue, async (results) => {
      seen.push(...results);
      return results.map(() => 'applied' as const);
    });
    const results = Array.from({ length: 1_200 }, (_, n) => success(id(n + 1)));
    await send(queue, results.map(encodeResult));
    await pollUntil('all results to be seen', 15_000, async () => expect(seen).toHaveLength(1_200));
    expect(seen.map(({ instanceId }) => instanceId)).toEqual(results.map(({ instanceId }) => instanceId));
    await expectEmpty(queue);
    await consumer.close();
    expect(await drainQueue(queue)).toEqual([]);
  });

  test('the result queue keeps unsettled results for the next consumer', async () => {
    const queue = createQueueName();
    const { promise: settled, resolve: settle } = createDeferred<Settled[]>();
    let asked = 0;
    const held = await startIntake(queue, () => {
      asked++;
      return settled;
    });
    await send(queue, [encodeResult(success(id(1))), encodeResult(failure(id(2)))]);
    await pollUntil('a result to be handed out', 10_000, async () => expect(asked).toBe(1));
    await held.consumer.close();
    // Too late: its connection is closed.
    settle(['applied', 'applied']);
    const seen: bigint[] = [];
    await startIntake(queue, async (results) => {
      seen.push(...results.map(({ instanceId }) => instanceId));
      return results.map(() => 'applied' as const);
    });
    await pollUntil('the results to come again', 10_000, async () => expect(seen.sort()).toEqual([1n, 2n]));
  });

  test('results settle when the database is back, and none returns to the broker', async () => {
    const queue = createQueueName();
    let away = 4;
    const seen: bigint[] = [];
    const { consumer } = await startIntake(queue, async (results) => {
      if (away-- > 0) throw new Error('the database is away');
      seen.push(...results.map(({ instanceId }) => instanceId));
      return results.map(() => 'applied' as const);
    });
    let returns = 0;
    const returnDeliveries = consumer.returnDeliveries.bind(consumer);
    consumer.returnDeliveries = (reason) => {
      returns++;
      returnDeliveries(reason);
    };
    await send(queue, [encodeResult(success(id(1)))]);
    await pollUntil('the result to be settled', 10_000, async () => expect(seen).toEqual([1n]));
    await expectEmpty(queue);
    expect(returns).toBe(0);
  });

  test('an unreadable, unknown or unsettleable result is parked, and the rest passes', async () => {
    const queue = createQueueName();
    const seen: bigint[] = [];
    const { parked } = await startIntake(queue, async (results) => {
      if (results.some(({ instanceId }) => instanceId === 13n)) throw new Error('a bug');
      seen.push(...results.map(({ instanceId }) => instanceId));
      return results.map(({ instanceId }) => (instanceId === 7n ? 'unknown' : 'applied'));
    });
    await send(queue, [
      encodeResult(success(id(1))),
      Buffer.from('not protobuf'),
      encodeResult(success(id(7))),
      Buffer.alloc(0),
      encodeResult(success(id(13))),
      encodeResult({ ...success(id(2)), status: 'PERHAPS' as 'SUCCESS' }),
      encodeResult(success(id(3))),
    ]);
    await pollUntil('four to be parked', 10_000, async () => expect(parked).toHaveLength(5));
    expect(parked.map(({ error }) => error.code).sort()).toEqual([
      'INTERNAL',
      'RESULT_INVALID',
      'RESULT_INVALID',
      'RESULT_INVALID',
      'RESULT_NOT_FOUND',
    ]);
    await expectEmpty(queue);
    expect(new Set(seen)).toEqual(new Set([1n, 7n, 3n]));
  });

  test('a deleted result queue is declared again and read', async () => {
    const queue = createQueueName();
    const seen: bigint[] = [];
    const { consumer } = await startIntake(queue, async (results) => {
      seen.push(...results.map(({ instanceId }) => instanceId));
      return results.map(() => 'applied' as const);
    });
    const connection = await connect(rabbitmqUrl);
    const channel = await connection.createChannel();
    await channel.deleteQueue(queue);
    await connection.close();
    await pollUntil('the queue to be there again', 15_000, async () => {
      expect(consumer.notReady).toBeUndefined();
      expect((await consumer.readProgress()).waiting).toBe(0);
    });
    await send(queue, [encodeResult(success(id(1)))]);
    await pollUntil('the result to be settled', 15_000, async () => expect(seen).toEqual([1n]));
  });
});

describe('the simulated Resource Domain', () => {
  const well: Behaviour = {
    delayMs: 0,
    failPercent: 0,
    silentPercent: 0,
    latePercent: 0,
    lateMs: 0,
    repeatPercent: 0,
    contradictPercent: 0,
  };

  async function startDomain(behaviour: Partial<Behaviour>) {
    const [created, results] = [createQueueName(), createQueueName()];
    const consumer = createConsumer(created, 1_000);
    const terms = { queueType: 'quorum' as const, deadLetterQueue: `${created}.dead-letter` };
    const options = { url: rabbitmqUrl, ...terms, confirmDeadlineMs: 10_000, ...quiet };
    const queues = { INSTANCE_RESULT: results };
    const publisher = new RabbitmqPublisher({ ...options, queue: created, queues });
    onTestFinished(() => publisher.close());
    await publisher.ready(AbortSignal.timeout(10_000));
    const domain = new ResourceDomain<CreatedMessage>(
      {
        queue: consumer as never,
        answer: async (answers) => {
          await publisher.publish(
            answers.map((answer) => ({
              id: `${answer.instanceId}`,
              type: 'INSTANCE_RESULT',
              body: encodeResult(answer),
            })),
          );
        },
        clock: systemClock,
        onAnswered() {},
        onFailure() {},
      },
      { ...well, ...behaviour },
    );
    const stop = new AbortController();
    const running = domain.run(stop.signal);
    onTestFinished(async () => {
      stop.abort();
      await running;
    });
    const publish = (ids: readonly string[]) =>
      publisher.publish(ids.map((messageId) => ({ id: messageId, body: Buffer.from('an event') })));
    return { publish, results, created };
  }

  test('the simulator answers each instance, and a repeated event with the same bytes', async () => {
    const { publish, results } = await startDomain({});
    const ids = Array.from({ length: 50 }, (_, n) => `${n + 1}`);
    await publish(ids);
    const answers = await drainQueue(results, 50);
    const show = ({ body }: { body: Buffer }) => body.toString('hex');
    expect(answers.map(({ body }) => `${decodeResult(body, new Date()).instanceId}`).sort()).toEqual(
      [...ids].sort(),
    );
    await publish([...ids].reverse());
    expect((await drainQueue(results, 50)).map(show).sort()).toEqual(answers.map(show).sort());
    const { properties } = answers[0] as (typeof answers)[number];
    expect(properties).toMatchObject({ type: 'INSTANCE_RESULT', contentType: 'application/octet-stream' });
  });

  test('fails, repeats and contradicts in the configured shares', async () => {
    const { publish, results } = await startDomain({
      failPercent: 30,
      repeatPercent: 20,
      contradictPercent: 10,
    });
    await publish(Array.from({ length: 1_000 }, (_, n) => `${n + 1}`));
    await pollUntil('more than a thousand answers', 15_000, async () => {
      expect(await countMessages(results)).toBeGreaterThan(1_250);
    });
    const answers = (await drainQueue(results)).map(({ body }) => decodeResult(body, new Date()));
    const first = new Map<bigint, string>();
    for (const { instanceId, status } of answers) if (!first.has(instanceId)) first.set(instanceId, status);
    expect(first.size).toBe(1_000);
    const failed = [...first.values()].filter((status) => status === 'FAILED').length;
    expect(failed).toBeGreaterThan(250);
    expect(failed).toBeLessThan(350);
    expect(answers.length).toBeLessThan(1_350);
  });
});
