import { randomBytes } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { embeddedQueue } from '../../src/adapters/embedded/queue.ts';
import { shareTransaction } from '../../src/adapters/embedded/share-transaction.ts';
import { enqueue } from '../../src/adapters/postgres/enqueue.ts';
import { postgresOutbox, unlockedOutbox } from '../../src/adapters/postgres/outbox.ts';
import { RabbitmqPublisher } from '../../src/adapters/rabbitmq/publisher.ts';
import type { Outbox, OutboxBatch, Publisher, Verdict } from '../../src/core/outbox/outbox.ts';
import { decodeBatch, type Message } from '../../src/core/outbox/outbox-batch.ts';
import { Relay } from '../../src/core/outbox/relay.ts';
import { pause } from '../../src/lib/backoff.ts';
import { createDeferred } from '../../src/lib/deferred.ts';
import { Signal } from '../../src/lib/signal.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createCreation, createProduct, createPurchase } from '../support/parts.ts';
import { readOutbox } from '../support/read-outbox.ts';
import {
  createQueueName,
  drainQueue,
  openTestPglite,
  openTestPostgres,
  rabbitmqUrl,
} from '../support/stores.ts';

interface Queue {
  publisher: Publisher;
  read(atLeast: number): Promise<{ id: string; body: Buffer }[]>;
}

const queues: Record<string, (database: Database) => Promise<Queue>> = {
  async 'embedded queue'(database) {
    const name = 'resource.instance.created';
    return {
      publisher: embeddedQueue(database, name),
      read: () =>
        database.query('SELECT message_id AS id, body FROM embedded_queue WHERE queue = $1 ORDER BY id', [
          name,
        ]),
    };
  },
  async RabbitMQ() {
    const queue = createQueueName();
    const publisher = new RabbitmqPublisher({
      url: rabbitmqUrl,
      queue,
      queueType: 'quorum',
      deadLetterQueue: `${queue}.dead-letter`,
      confirmDeadlineMs: 10_000,
      onDown() {},
      onUp() {},
      onWarning() {},
    });
    onTestFinished(() => publisher.close());
    await publisher.ready(AbortSignal.timeout(10_000));
    return { publisher, read: (atLeast) => drainQueue(queue, atLeast) };
  },
};
const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };
const setUps = Object.keys(databases).flatMap((database) =>
  Object.keys(queues).map((queue) => [database, queue]),
);

describe.each(setUps)('the relay from %s to %s', (databaseName, queueName) => {
  async function setUp(change: (publisher: Publisher) => Publisher = (publisher) => publisher) {
    const database = await databases[databaseName as keyof typeof databases]();
    await createProduct(database);
    const isQueueEmbedded = queueName === 'embedded queue';
    const view = isQueueEmbedded ? shareTransaction(database) : database;
    const queue = await (queues[queueName as string] as (typeof queues)[string])(view);
    const isUnlocked = databaseName === 'PGlite' && !isQueueEmbedded;
    const outbox = isUnlocked ? unlockedOutbox(view) : postgresOutbox(view, { claimTimeoutMs: 30_000 });
    const relay = new Relay(
      {
        outbox,
        publisher: change(queue.publisher),
        signal: new Signal(),
        onPublished() {},
        onRefused() {},
        onFailure() {},
      },
      { windowEvents: 2_000, maxIdleMs: 50, maxRefusals: 3 },
    );
    return { database, queue, relay, outbox, ...createCreation(database) };
  }

  test('every committed event reaches the queue once, with its id and bytes', async () => {
    const { database, queue, relay, createInstances, outbox } = await setUp();
    for (const size of [1, 3, 40])
      await createInstances(Array.from({ length: size }, () => createPurchase({})));
    const waiting = await readOutbox(database);
    expect(await outbox.countWaiting()).toBe(44);
    while ((await relay.relayOnce()) > 0);
    const received = await queue.read(44);
    expect(received.map(({ id, body }) => `${id} ${body.toString('hex')}`).sort()).toEqual(
      waiting.map(({ id, body }) => `${id} ${body.toString('hex')}`).sort(),
    );
    expect(await outbox.countWaiting()).toBe(0);
  });

  test('a failed publish keeps its batches, and they are published with the same id', async () => {
    let failures = 0;
    const { database, queue, relay, createInstances } = await setUp((publisher) => ({
      notReady: undefined,
      ready: (signal) => publisher.ready(signal),
      async publish(messages) {
        if (failures++ === 0) throw new Error('the connection broke');
        return publisher.publish(messages);
      },
    }));
    await createInstances([createPurchase({}), createPurchase({})]);
    const before = await readOutbox(database);
    await expect(relay.relayOnce()).rejects.toThrow('the connection broke');
    expect(await readOutbox(database)).toEqual(before);
    await database.query('UPDATE outbox SET due_at = now()');
    await relay.relayOnce();
    expect((await queue.read(2)).map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
  });

  test('a broken transport counts against no batch, and its batches are due afterwards', async () => {
    let brokenFor = 6;
    let refusesOnce = false;
    const { database, relay, createInstances, outbox } = await setUp((publisher) => ({
      notReady: undefined,
      ready: (signal) => publisher.ready(signal),
      async publish(messages) {
        if (brokenFor-- > 0) throw new Error('the connection broke');
        if (refusesOnce) return messages.slice(0, 1).map((message) => ({ message, why: 'message nacked' }));
        return publisher.publish(messages);
      },
    }));
    await createInstances([createPurchase({}), createPurchase({})]);
    while (brokenFor > 0) {
      await expect(relay.relayOnce()).rejects.toThrow('the connection broke');
      const [batch] = await database.query<{ attempts: number; is_put_off: boolean }>(
        'SELECT attempts, due_at > now() AS is_put_off FROM outbox',
      );
      expect(batch).toEqual({ attempts: 0, is_put_off: true });
      expect(await relay.relayOnce()).toBe(0);
      await outbox.retryInterrupted();
    }
    // The first refusal, while others pass, is not the last one.
    refusesOnce = true;
    await relay.relayOnce();
    expect(await outbox.countWaiting()).toBe(1);
    expect(await database.query('SELECT 1 FROM parked')).toEqual([]);
    // A message refused by the broker keeps its own delay.
    await outbox.retryInterrupted();
    expect(await relay.relayOnce()).toBe(0);
  });

  test('a batch put off by a clock that has gone back since is due now', async () => {
    const { database, relay, createInstances, outbox } = await setUp();
    await createInstances([createPurchase({})]);
    await database.query("UPDATE outbox SET due_at = now() + interval '1 hour'");
    await relay.relayOnce();
    expect(await outbox.countWaiting()).toBe(0);
  });

  test('a refused message waits alone while its neighbours pass, then is parked', async () => {
    const refusedIds = new Set<string>();
    const { database, queue, relay, createInstances, outbox } = await setUp((publisher) => ({
      notReady: undefined,
      ready: (signal) => publisher.ready(signal),
      async publish(messages) {
        const refused = messages.filter(({ id }) => refusedIds.has(id));
        await publisher.publish(messages.filter(({ id }) => !refusedIds.has(id)));
        return refused.map((message) => ({ message, why: 'message nacked' }));
      },
    }));
    const outcomes = await createInstances([createPurchase({}), createPurchase({}), createPurchase({})]);
    const [, odd] = outcomes.map(
      (outcome) => outcome.kind === 'created' && outcome.instance.instanceId.toString(),
    );
    refusedIds.add(String(odd));
    await relay.relayOnce();
    expect((await readOutbox(database)).map(({ id }) => id)).toEqual([odd]);

    for (let attempt = 0; attempt < 2; attempt++) {
      await createInstances([createPurchase({})]);
      await relay.relayOnce();
      await database.query('UPDATE outbox SET due_at = now()');
      await relay.relayOnce();
    }
    expect(await outbox.countWaiting()).toBe(0);
    const parked = await database.query('SELECT reason, source, source_id FROM parked');
    expect(parked).toEqual([
      { reason: 'MESSAGE_REFUSED', source: 'ACTIVITY', source_id: expect.any(String) },
    ]);
    expect(await queue.read(4)).toHaveLength(4);
  });

  test('a broker that refuses everything parks nothing', async () => {
    const { database, relay, createInstances, outbox } = await setUp((publisher) => ({
      notReady: undefined,
      ready: (signal) => publisher.ready(signal),
      publish: async (messages) => messages.map((message) => ({ message, why: 'message nacked' })),
    }));
    await createInstances([createPurchase({}), createPurchase({})]);
    for (let attempt = 0; attempt < 10; attempt++) {
      await relay.relayOnce();
      await database.query('UPDATE outbox SET due_at = now()');
    }
    expect(await outbox.countWaiting()).toBe(2);
    expect(await database.query('SELECT 1 FROM parked')).toEqual([]);
  });

  test('a queue that refuses everything parks nothing while another takes', async () => {
    const { database, relay, createInstances, outbox } = await setUp((publisher) => ({
      notReady: undefined,
      ready: (signal) => publisher.ready(signal),
      publish: async (messages) =>
        messages.filter(({ type }) => !type).map((message) => ({ message, why: 'the queue is full' })),
    }));
    await createInstances([createPurchase({}), createPurchase({})]);
    for (let attempt = 0; attempt < 8; attempt++) {
      const refund = { id: `refund-${attempt}`, type: 'ORDER_REFUND_REQUESTED', body: Buffer.alloc(1) };
      await enqueue(database, 'REFUND', [refund]);
      await relay.relayOnce();
      await database.query('UPDATE outbox SET due_at = now()');
    }
    expect(await outbox.countWaiting()).toBe(2);
    expect(await database.query('SELECT 1 FROM parked')).toEqual([]);
  });

  test('a queue that accepts nothing at times parks nothing, and counts against no batch', async () => {
    let isFull = true;
    const { database, relay, createInstances, outbox } = await setUp((publisher) => ({
      notReady: undefined,
      get refusing() {
        return isFull ? 'queue created accepts nothing' : undefined;
      },
      ready: (signal) => publisher.ready(signal),
      async publish(messages) {
        const [first, ...others] = messages;
        if (!isFull || !first) return publisher.publish(messages);
        await publisher.publish(others);
        return [{ message: first, why: 'message nacked', byQueue: true }];
      },
    }));
    await createInstances([createPurchase({})]);
    for (let attempt = 0; attempt < 8; attempt++) {
      await relay.relayOnce();
      await createInstances([createPurchase({})]);
      await database.query('UPDATE outbox SET due_at = now()');
    }
    expect(await database.query('SELECT 1 FROM parked')).toEqual([]);
    expect(await database.query('SELECT 1 FROM outbox WHERE attempts > 0')).toEqual([]);
    await relay.relayOnce();
    isFull = false;
    await outbox.retryInterrupted();
    await relay.relayOnce();
    expect(await outbox.countWaiting()).toBe(0);
  });

  test('what was published is counted by kind, in the commit that deletes its batch', async () => {
    const { database, relay, createInstances } = await setUp();
    await createInstances([createPurchase({}), createPurchase({})]);
    const [batch] = await database.query<{ batch: Buffer }>('SELECT batch FROM outbox');
    await database.query("INSERT INTO outbox (events, batch, kind) VALUES (2, $1, 'AGAIN')", [batch?.batch]);
    await relay.relayOnce();
    await createInstances([createPurchase({})]);
    await relay.relayOnce();
    expect(
      await database.query(
        'SELECT kind, sum(events)::int AS events FROM published WHERE events > 0 GROUP BY kind ORDER BY kind',
      ),
    ).toEqual([
      { kind: 'AGAIN', events: 2 },
      { kind: 'CREATED', events: 3 },
    ]);
  });

  test('a batch that cannot be read is parked and the others pass', async () => {
    const { database, queue, relay, createInstances, outbox } = await setUp();
    await createInstances([createPurchase({})]);
    const garbage = randomBytes(40).fill(0xff, 0, 4);
    await database.query('INSERT INTO outbox (events, batch) VALUES (1, $1)', [garbage]);
    await relay.relayOnce();
    expect(await outbox.countWaiting()).toBe(0);
    expect(await queue.read(1)).toHaveLength(1);
    const [parked] = await database.query<{ reason: string; original: Buffer }>(
      'SELECT reason, original FROM parked',
    );
    expect(parked?.reason).toBe('OUTBOX_BATCH_CORRUPT');
    expect(Buffer.from(parked?.original ?? []).equals(garbage)).toBe(true);
  });
});

test('two relays on one PostgreSQL never hold the same batch at the same time', async () => {
  const database = await openTestPostgres();
  await createProduct(database);
  const { createInstances } = createCreation(database);
  for (let i = 0; i < 20; i++) await createInstances([createPurchase({})]);
  const outbox = postgresOutbox(database, { claimTimeoutMs: 30_000 });
  const held = new Set<string>();
  const overlap = createDeferred<void>();
  let most = 0;
  const claim = async () => {
    const lent = await outbox.claim(2, async (batches) => {
      for (const { id } of batches) {
        expect(held.has(id)).toBe(false);
        held.add(id);
      }
      most = Math.max(most, held.size);
      if (held.size > 2) overlap.resolve();
      // The first claim stays open until a second one has batches too.
      await Promise.race([overlap.promise, pause(10_000)]);
      for (const { id } of batches) held.delete(id);
      return batches.map((batch) => ({ batch, kind: 'published' as const }));
    });
    return lent;
  };
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      while ((await claim()) > 0);
    }),
  );
  expect(most).toBeGreaterThan(2);
  expect(await outbox.countWaiting()).toBe(0);
});

describe('an outbox in PGlite with a broker elsewhere', () => {
  async function setUp() {
    const database = await openTestPglite();
    await createProduct(database);
    const { createInstances } = createCreation(database);
    await createInstances([createPurchase({}), createPurchase({})]);
    const outbox = unlockedOutbox(database);
    const countPublished = () =>
      database.query<{ events: number }>('SELECT coalesce(sum(events), 0)::int AS events FROM published');
    return { database, outbox, countPublished };
  }

  test('a lane and the drain never publish the same batch', async () => {
    const { outbox, countPublished } = await setUp();
    const published: string[] = [];
    const publisher: Publisher = {
      notReady: undefined,
      async ready() {},
      async publish(messages) {
        published.push(...messages.map(({ id }) => id));
        // A broker's confirm takes longer than a claim.
        await outbox.countWaiting();
        return [];
      },
    };
    const parts = {
      outbox,
      publisher,
      signal: new Signal(),
      onPublished() {},
      onRefused() {},
      onFailure() {},
    };
    const relay = new Relay(parts, { windowEvents: 2_000, maxIdleMs: 50, maxRefusals: 3 });
    await Promise.all([relay.relayOnce(), relay.drain(AbortSignal.timeout(10_000)), relay.relayOnce()]);
    expect(published).toHaveLength(2);
    expect(new Set(published).size).toBe(2);
    expect(await countPublished()).toEqual([{ events: 2 }]);
  });

  test('a claim that fails lets the next one begin', async () => {
    const { outbox, database } = await setUp();
    const broken = outbox.claim(2, async () => Promise.reject(new Error('the connection broke')));
    const next = outbox.claim(2, async () => []);
    await expect(broken).rejects.toThrow('the connection broke');
    expect(await next).toBe(0);
    await database.query('UPDATE outbox SET due_at = now()');
    expect(await outbox.claim(2, async () => [])).toBe(1);
  });

  test('a message is reported as parked only after the commit that parks it', async () => {
    const { outbox } = await setUp();
    const reported: number[] = [];
    let commits = false;
    const failing: Outbox = {
      ...outbox,
      claim: (maxBatches, work) =>
        outbox.claim(maxBatches, async (batches) => {
          const verdicts = await work(batches);
          if (!commits) throw new Error('the commit failed');
          return verdicts;
        }),
    };
    const publisher: Publisher = {
      notReady: undefined,
      async ready() {},
      publish: async (messages) => messages.map((message) => ({ message, why: 'nacked' })),
    };
    const onRefused = (refusals: readonly unknown[]) => reported.push(refusals.length);
    const parts = {
      outbox: failing,
      publisher,
      signal: new Signal(),
      onPublished() {},
      onRefused,
      onFailure() {},
    };
    const relay = new Relay(parts, { windowEvents: 2_000, maxIdleMs: 50, maxRefusals: 3 });
    await expect(relay.relayOnce()).rejects.toThrow('the commit failed');
    expect(reported).toEqual([]);
    commits = true;
    await outbox.retryInterrupted();
    await relay.relayOnce();
    expect(reported).toEqual([2]);
  });

  const verdicts: Record<string, (batch: OutboxBatch, left: Message[]) => Verdict> = {
    published: (batch) => ({ batch, kind: 'published' }),
    parked: (batch, left) => ({ batch, kind: 'parked', left, error: 'nacked' }),
    damaged: (batch) => ({ batch, kind: 'damaged', error: 'unreadable' }),
    delayed: (batch, left) => {
      return {
        batch,
        kind: 'delayed',
        left,
        bytes: batch.bytes,
        retryInMs: 1,
        error: 'nacked',
        byQueue: false,
      };
    },
  };

  test.each(Object.keys(verdicts))('a %s batch that is gone is neither counted nor parked', async (kind) => {
    const { database, outbox, countPublished } = await setUp();
    const judge = verdicts[kind] as (typeof verdicts)[string];
    await outbox.claim(1, async ([batch]) => {
      await database.query('DELETE FROM outbox');
      return batch ? [judge(batch, decodeBatch(batch.bytes).slice(0, 1))] : [];
    });
    expect(await countPublished()).toEqual([{ events: 0 }]);
    expect(await database.query('SELECT reason FROM parked')).toEqual([]);
  });

  test.each([
    ['published', 2],
    ['parked', 1],
    ['damaged', 0],
    ['delayed', 1],
  ])('a %s batch of two events counts %i as published', async (kind, events) => {
    const { outbox, countPublished } = await setUp();
    const judge = verdicts[kind] as (typeof verdicts)[string];
    await outbox.claim(1, async (batches) =>
      batches.map((batch) => judge(batch, decodeBatch(batch.bytes).slice(0, 1))),
    );
    expect(await countPublished()).toEqual([{ events }]);
  });
});
