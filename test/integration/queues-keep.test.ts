import { type ChannelModel, connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { RabbitmqConsumer } from '../../src/adapters/rabbitmq/consumer.ts';
import { RabbitmqPublisher } from '../../src/adapters/rabbitmq/publisher.ts';
import { refundRequested, releaseRequested } from '../../src/core/compensation/request-messages.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import { returnAfterMs } from '../../src/core/results/read-queue.ts';
import { encodeResult, instanceResult } from '../../src/core/results/result.ts';
import { TakeResults } from '../../src/core/results/take-results.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { lacks } from '../support/newer.ts';
import { type OwnRabbitmq, startOwnRabbitmq } from '../support/own-rabbitmq.ts';
import { success } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { uniqueName } from '../support/stores.ts';

const versions = [
  { name: 'the installed RabbitMQ', options: {}, missing: false, isNewest: false },
  { name: 'RabbitMQ 4', options: { version: 4 as const }, missing: lacks('rabbitmq4'), isNewest: true },
];
/** More than the 20 returns after which RabbitMQ 4 drops a message unless its queue sets a limit. */
const returns = 60;
const quiet = { onDown() {}, onUp() {}, onWarning() {} };

describe.each(versions)('on $name', ({ options, missing, isNewest }) => {
  let broker: OwnRabbitmq;
  let connection: ChannelModel;

  beforeAll(async () => {
    if (missing) return;
    broker = await startOwnRabbitmq(options);
    connection = await connect(broker.url);
    connection.on('error', () => {});
  });
  afterAll(async () => {
    await connection?.close().catch(() => {});
    await broker?.dispose();
  });

  /** The four queues of one Weir, created by its publisher, and its dead-letter queue. */
  async function makeQueues(queueType: 'quorum' | 'classic' = 'quorum') {
    const queue = uniqueName('weir.test');
    const queues = {
      [releaseRequested]: `${queue}.release`,
      [refundRequested]: `${queue}.refund`,
      [instanceResult]: `${queue}.result`,
    };
    const terms = { url: broker.url, queueType, deadLetterQueue: `${queue}.dead-letter` };
    const publisher = new RabbitmqPublisher({ ...terms, ...quiet, queue, queues, confirmDeadlineMs: 5_000 });
    onTestFinished(() => publisher.close());
    await publisher.ready(AbortSignal.timeout(20_000));
    return { queue, queues, all: [queue, ...Object.values(queues)], terms, publisher };
  }

  async function count(queue: string): Promise<number> {
    const channel = await connection.createChannel();
    const { messageCount } = await channel.checkQueue(queue);
    await channel.close();
    return messageCount;
  }

  const expectCount = (queue: string, expected: number) =>
    pollUntil(`${queue} to hold ${expected}`, 15_000, async () => expect(await count(queue)).toBe(expected));

  /** A consumer that returns the message each time, until it has been delivered that often. */
  async function returnUntil(queue: string, times: number): Promise<void> {
    const channel = await connection.createChannel();
    let came = 0;
    await channel.consume(queue, (message) => {
      if (message && ++came <= times) channel.nack(message, false, true);
    });
    await pollUntil('the message to come and come', 10_000, async () =>
      expect(came).toBeGreaterThanOrEqual(times),
    );
    await channel.close();
  }

  async function setPolicy(queue: string, definition: object): Promise<void> {
    const pattern = `^${queue.replaceAll('.', '\\.')}$`;
    await broker.ctl('set_policy', queue, pattern, JSON.stringify(definition), '--apply-to', 'queues');
  }

  test.skipIf(missing)(
    'a message that is returned again and again stays on every queue of Weir',
    async () => {
      const { queue, queues, all, publisher } = await makeQueues();
      const body = Buffer.from('a message');
      await publisher.publish([
        { id: '1', body },
        ...Object.keys(queues).map((type) => ({ id: type, type, body })),
      ]);
      for (const each of all) await returnUntil(each, returns);
      for (const each of all) await expectCount(each, 1);
      await expectCount(`${queue}.dead-letter`, 0);
    },
  );

  test.skipIf(missing)(
    'a message that a later policy would drop moves to the dead-letter queue',
    async () => {
      const { queue, queues, terms, publisher } = await makeQueues();
      const [release, refund, result] = Object.values(queues) as [string, string, string];
      await Promise.all([
        setPolicy(release, { 'delivery-limit': 3 }),
        setPolicy(refund, { 'message-ttl': 100 }),
        setPolicy(result, { 'max-length': 2, overflow: 'drop-head' }),
      ]);
      const send = (type: string, howMany: number) =>
        publisher.publish(
          Array.from({ length: howMany }, (_, n) => ({ id: `${type}-${n}`, type, body: Buffer.from('x') })),
        );
      await send(releaseRequested, 1);
      await returnUntil(release, 4);
      await expectCount(terms.deadLetterQueue, 1);
      await send(refundRequested, 2);
      await expectCount(terms.deadLetterQueue, 3);
      await send(instanceResult, 6);
      await pollUntil('none of six to be gone', 15_000, async () => {
        expect((await count(result)) + (await count(terms.deadLetterQueue))).toBe(3 + 6);
      });
      expect(await count(queue)).toBe(0);
    },
  );

  test.skipIf(missing)('a classic queue moves what it would drop to the dead-letter queue', async () => {
    const { queue, terms, publisher } = await makeQueues('classic');
    await setPolicy(queue, { 'message-ttl': 100 });
    await publisher.publish([{ id: '1', body: Buffer.from('x') }]);
    await expectCount(terms.deadLetterQueue, 1);
  });

  test.skipIf(missing)('a queue that is a stream is refused in one sentence', async () => {
    const queue = uniqueName('weir.test');
    const channel = await connection.createChannel();
    await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'stream' } });
    const terms = { url: broker.url, queueType: 'quorum' as const, deadLetterQueue: `${queue}.dead-letter` };
    const consumer = new RabbitmqConsumer({ ...terms, ...quiet, queue, prefetch: 1 });
    onTestFinished(() => consumer.close());
    await pollUntil('the stream to be refused', 10_000, async () => {
      expect(consumer.notReady).toContain(`cannot use queue ${queue}: it is a stream`);
    });
  });

  if (isNewest)
    describe('while the database is unavailable', () => {
      async function startIntake() {
        const { queues, terms, publisher } = await makeQueues();
        const queue = queues[instanceResult] as string;
        const consumer = new RabbitmqConsumer({ ...terms, ...quiet, queue, prefetch: 100 });
        onTestFinished(() => consumer.close());
        const clock = { nowMs: 0, advance: (ms: number) => (clock.nowMs += ms) };
        const database = { isAvailable: false, asked: 0, settled: new Set<bigint>() };
        const intake = new TakeResults({
          queue: consumer,
          clock: { ...systemClock, monotonicMs: () => clock.nowMs },
          async settle(results) {
            database.asked++;
            if (!database.isAvailable) throw new Error('the database is unavailable');
            for (const { instanceId } of results) database.settled.add(instanceId);
            return results.map(() => 'applied' as const);
          },
          park: async () => {},
          isTransient: () => true,
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
        await pollUntil('the consumer to be ready', 10_000, async () =>
          expect(consumer.notReady).toBeUndefined(),
        );
        await publisher.publish(
          Array.from({ length: 10 }, (_, n) => ({
            id: `${n + 1}-SUCCESS`,
            type: instanceResult,
            body: encodeResult(success(BigInt(n + 1) as InstanceId)),
          })),
        );
        const wait = (attempts: number) =>
          pollUntil('further attempts', 30_000, async () =>
            expect(database.asked).toBeGreaterThanOrEqual(attempts),
          );
        return { queue, consumer, clock, database, wait };
      }

      /** How often each message on the queue has been returned. */
      async function readReturns(queue: string): Promise<number[]> {
        const channel = await connection.createChannel();
        const seen: number[] = [];
        for (;;) {
          const message = await channel.get(queue);
          if (!message) break;
          seen.push(Number(message.properties.headers?.['x-delivery-count'] ?? 0));
        }
        await channel.close();
        return seen;
      }

      test.skipIf(missing)(
        'no result returns to the broker but once after 15 minutes, and none is lost',
        async () => {
          const { queue, consumer, clock, database, wait } = await startIntake();
          await wait(4);
          clock.advance(returnAfterMs - 60_000);
          await wait(5);
          expect(await readReturns(queue)).toEqual([]);
          clock.advance(60_000);
          await expectCount(queue, 10);
          expect(await readReturns(queue)).toEqual(Array(10).fill(1));
          database.isAvailable = true;
          await pollUntil('all to be settled', 30_000, async () => expect(database.settled.size).toBe(10));
          await pollUntil('the queue to be read to its end', 10_000, async () => {
            expect(await consumer.readProgress()).toMatchObject({ waiting: 0 });
          });
        },
      );

      test.skipIf(missing)(
        'a connection that ends does not make it take results that it cannot settle',
        async () => {
          const { queue, consumer, database, wait } = await startIntake();
          await wait(4);
          for (let times = 0; times < 3; times++) {
            consumer.returnDeliveries('the connection ends');
            await pollUntil('the next connection', 15_000, async () =>
              expect(consumer.notReady).toBeUndefined(),
            );
          }
          await expectCount(queue, 10);
          expect(Math.max(...(await readReturns(queue)))).toBe(1);
          database.isAvailable = true;
          await pollUntil('all to be settled', 30_000, async () => expect(database.settled.size).toBe(10));
        },
      );
    });
});
