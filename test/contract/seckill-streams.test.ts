import { describe, expect, onTestFinished, test } from 'vitest';
import { EmbeddedSeckillStreams } from '../../src/adapters/embedded/seckill-streams.ts';
import type { StreamFeed } from '../../src/adapters/http/routes/try.ts';
import { connectRedis } from '../../src/adapters/redis/connect.ts';
import { RedisSeckillStreams } from '../../src/adapters/redis/seckill-streams.ts';
import type { SeckillStreams, StreamBatch } from '../../src/core/triggers/seckill-streams.ts';
import type { Database } from '../../src/lib/sql.ts';
import {
  connectTestRedis,
  createRedisDatabase,
  openTestPglite,
  openTestPostgres,
} from '../support/stores.ts';

type Streams = SeckillStreams & StreamFeed;
type OpenConsumer = () => Promise<Streams>;

/** Opens one store and returns a function that opens consumers of it. */
const stores: Record<string, () => Promise<OpenConsumer>> = {
  async embedded() {
    const database = await openTestPostgres();
    return async () => new EmbeddedSeckillStreams(database, { isOnlyConsumer: false });
  },
  async Redis() {
    return openRedisStore(await createRedisDatabase());
  },
};

async function openRedisStore(addr: string): Promise<OpenConsumer> {
  return async () => {
    const connect = (name: string) => {
      const redis = connectRedis({ addr, name, onConnectionError() {} });
      onTestFinished(() => redis.disconnect());
      return new Promise<typeof redis>((resolve) => redis.once('ready', () => resolve(redis)));
    };
    return new RedisSeckillStreams(await connect('commands'), await connect('reader'));
  };
}

const stream = 'stream:seckill:1001';
const uids = (batches: StreamBatch[]) =>
  batches.flatMap(({ entries }) => entries.map(({ fields }) => fields?.uid));
const ids = (batches: StreamBatch[]) => batches.flatMap(({ entries }) => entries.map(({ id }) => id));
const users = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => ['uid', String(first + i), 'ts', '1']);

describe.each(Object.entries(stores))('seckill streams, %s', (name, openStore) => {
  test('entries added before the first look are read in order, with their ids', async () => {
    const open = await openStore();
    const streams = await open();
    const added = await streams.add(stream, users(1, 5));
    await streams.discover();
    const batches = await streams.read(10, 50);
    expect(uids(batches)).toEqual(['1', '2', '3', '4', '5']);
    expect(ids(batches)).toEqual(added);
    expect(added.every((id) => /^\d+-\d+$/.test(id))).toBe(true);
    expect(batches[0]?.stream).toBe(stream);
  });

  test('no entry goes to two consumers', async () => {
    const open = await openStore();
    const [first, second] = [await open(), await open()];
    await first.add(stream, users(1, 100));
    await first.discover();
    await second.discover();
    const seen: (string | undefined)[] = [];
    for (let i = 0; i < 10; i++) {
      seen.push(...uids(await first.read(10, 10)), ...uids(await second.read(10, 10)));
    }
    expect(seen).toHaveLength(100);
    expect(new Set(seen).size).toBe(100);
  });

  test('a stream that appears later is found', async () => {
    const open = await openStore();
    const streams = await open();
    await streams.discover();
    expect(await streams.read(10, 10)).toEqual([]);
    await streams.add('stream:seckill:2', users(7, 1));
    await streams.discover();
    expect(uids(await streams.read(10, 50))).toEqual(['7']);
  });

  test('a reader that waits is woken by a new entry', async () => {
    const open = await openStore();
    const streams = await open();
    await streams.add(stream, users(1, 1));
    await streams.discover();
    await streams.read(10, 10);
    const startedAt = performance.now();
    const waiting = streams.read(10, 5_000);
    await streams.add(stream, users(2, 1));
    const batches = await waiting;
    const entries = batches.length > 0 ? batches : await streams.read(10, 10);
    expect(uids(entries)).toEqual(['2']);
    expect(performance.now() - startedAt).toBeLessThan(2_500);
  });

  test('entries of a dead consumer are taken over and counted until acknowledged', async () => {
    const open = await openStore();
    const [dead, heir] = [await open(), await open()];
    const [, acknowledged, ...left] = await dead.add(stream, users(1, 4));
    await dead.discover();
    await heir.discover();
    await dead.read(10, 10);
    await dead.acknowledge(stream, [acknowledged as string]);
    const [batch] = await heir.takeOver(10, 0);
    expect(batch?.entries.map(({ fields }) => fields?.uid)).toEqual(['1', '3', '4']);
    expect(batch?.entries.map(({ deliveries }) => deliveries)).toEqual([2, 2, 2]);
    await heir.acknowledge(stream, batch?.entries.map(({ id }) => id) ?? []);
    expect(left).toHaveLength(2);
    const again = await open();
    await again.discover();
    expect(await again.takeOver(10, 0)).toEqual([]);
    expect(await again.read(10, 10)).toEqual([]);
  });

  test('what another consumer got a moment ago is not taken over', async () => {
    const open = await openStore();
    const [busy, other] = [await open(), await open()];
    await busy.add(stream, users(1, 1));
    await busy.discover();
    await other.discover();
    await busy.read(10, 10);
    expect(await other.takeOver(10, 60_000)).toEqual([]);
  });

  test('trimming keeps what is unread and what is pending', async () => {
    const open = await openStore();
    const streams = await open();
    await streams.add(stream, users(1, 400));
    await streams.discover();
    const read = await streams.read(300, 10);
    const pendingId = ids(read)[250] as string;
    await streams.acknowledge(
      stream,
      ids(read).filter((id) => id !== pendingId),
    );
    await streams.trim(0);
    const heir = await open();
    await heir.discover();
    expect(uids(await heir.takeOver(10, 0))).toEqual(['251']);
    expect(uids(await streams.read(1000, 10))).toEqual(users(301, 100).map(([, uid]) => uid));
  });

  test("an entry's original fields can be read back byte for byte", async () => {
    const open = await openStore();
    const streams = await open();
    const [id] = await streams.add(stream, [['uid', 'abc', 'ünï', 'x,"\\{}']]);
    const [original, gone] = await streams.readOriginals(stream, [id as string, '1-1']);
    expect(original?.map(String)).toEqual(['uid', 'abc', 'ünï', 'x,"\\{}']);
    expect(gone).toEqual([]);
    expect(name).toBeTruthy();
  });
});

test('trimming a stream removes finished entries that no other group needs', async () => {
  const addr = await createRedisDatabase();
  const redis = connectTestRedis(addr);
  const open = await openRedisStore(addr);
  const streams = await open();
  await streams.add(stream, users(1, 1_000));
  await streams.discover();
  const all = ids(await streams.read(1_000, 10));
  await streams.acknowledge(stream, all);

  await redis.xgroup('CREATE', stream, 'auditors', '0');
  await streams.trim(0);
  expect(await redis.xlen(stream)).toBe(1_000);

  await redis.xreadgroup('GROUP', 'auditors', 'one', 'COUNT', 1_000, 'STREAMS', stream, '>');
  await redis.xack(stream, 'auditors', ...all.slice(0, 600));
  await streams.trim(0);
  // Redis trims whole nodes of about a hundred entries: more than the unfinished ones may stay, but never
  // fewer.
  expect(await redis.xlen(stream)).toBeGreaterThanOrEqual(400);
  expect(await redis.xlen(stream)).toBeLessThan(600);
  expect((await redis.xrange(stream, all[600] as string, all[600] as string)).length).toBe(1);

  await redis.xack(stream, 'auditors', ...all);
  await streams.trim(3_600_000);
  expect(await redis.xlen(stream)).toBeGreaterThanOrEqual(400);
  await streams.trim(0);
  expect(await redis.xlen(stream)).toBeLessThan(200);
});

describe('seckill streams, embedded in a single-session database', () => {
  test('entries are read once in order, and unacknowledged ones again after a restart', async () => {
    const database = await openTestPglite();
    const first = new EmbeddedSeckillStreams(database, { isOnlyConsumer: true });
    const [, acknowledged] = await first.add(stream, users(1, 4));
    expect(uids(await first.read(3, 10))).toEqual(['1', '2', '3']);
    expect(uids(await first.read(3, 10))).toEqual(['4']);
    expect(await first.read(3, 10)).toEqual([]);
    await first.acknowledge(stream, [acknowledged as string]);

    const second = new EmbeddedSeckillStreams(database, { isOnlyConsumer: true });
    await second.add(stream, users(5, 1));
    const [batch] = await second.read(10, 10);
    expect(batch?.entries.map(({ fields }) => fields?.uid)).toEqual(['1', '3', '4', '5']);
    expect(batch?.entries.map(({ deliveries }) => deliveries)).toEqual([2, 2, 2, 1]);
  });

  test('a reader that waits is woken by a new entry', async () => {
    const streams = new EmbeddedSeckillStreams(await openTestPglite(), { isOnlyConsumer: true });
    const waiting = streams.read(10, 30_000);
    await streams.add(stream, users(1, 1));
    const batches = await waiting;
    expect(uids(batches.length > 0 ? batches : await streams.read(10, 10))).toEqual(['1']);
  });
});

describe('seckill streams, embedded in PostgreSQL', () => {
  /** A consumer whose connection can break; the server executes the command, immediately or later. */
  async function open() {
    const database = await openTestPostgres();
    const next: { breaks?: 'after' | 'before' } = {};
    const late: (() => Promise<unknown>)[] = [];
    const breaking: Database = {
      ...database,
      async query(...args) {
        const { breaks } = next;
        delete next.breaks;
        if (breaks === 'before') late.push(() => database.query(...args));
        if (breaks === 'after') await database.query(...args);
        if (breaks) throw new Error('Connection terminated unexpectedly');
        return database.query(...args);
      },
    } as Database;
    const commitLate = () => Promise.all(late.map((query) => query()));
    const [streams, other] = [
      new EmbeddedSeckillStreams(breaking, { isOnlyConsumer: false }),
      new EmbeddedSeckillStreams(database, { isOnlyConsumer: false }),
    ];
    await other.add(stream, users(1, 4));
    return { streams, other, next, commitLate };
  }
  const lost = 'Connection terminated unexpectedly';

  test('entries whose reply was lost come with the next read, and count once', async () => {
    const { streams, next } = await open();
    const held = await streams.read(1, 10);
    next.breaks = 'after';
    await expect(streams.read(2, 10)).rejects.toThrow(lost);
    const again = await streams.read(10, 10);
    expect(uids(held)).toEqual(['1']);
    expect(uids(again)).toEqual(['2', '3']);
    expect(again[0]?.entries.map(({ deliveries }) => deliveries)).toEqual([1, 1]);
    expect(uids(await streams.read(10, 10))).toEqual(['4']);
  });

  test('entries taken over in a reply that was lost come with the next read', async () => {
    const { streams, other, next } = await open();
    await other.read(2, 10);
    next.breaks = 'after';
    await expect(streams.takeOver(10, 0)).rejects.toThrow(lost);
    expect(uids(await streams.read(10, 10))).toEqual(['1', '2']);
  });

  test('entries of a late commit are found by the next look for abandoned entries', async () => {
    const { streams, next, commitLate } = await open();
    next.breaks = 'before';
    await expect(streams.read(2, 10)).rejects.toThrow(lost);
    expect(uids(await streams.read(1, 10))).toEqual(['1']);
    await commitLate();
    expect(uids(await streams.read(10, 10))).toEqual(['4']);
    await streams.takeOver(10, 60_000);
    expect(uids(await streams.read(10, 10))).toEqual(['2', '3']);
  });

  test("no entry in a live reader's hands comes again, to it or to another", async () => {
    const { streams, other, next } = await open();
    await streams.read(1, 10);
    await other.read(1, 10);
    next.breaks = 'after';
    await expect(streams.read(1, 10)).rejects.toThrow(lost);
    await streams.takeOver(10, 60_000);
    expect(uids(await streams.read(10, 10))).toEqual(['3']);
    expect(uids(await streams.read(10, 10))).toEqual(['4']);
    expect(await other.read(10, 10)).toEqual([]);
  });

  test('an entry that another reader has taken over is not taken back by keeping it', async () => {
    const { streams, other } = await open();
    const [batch] = await streams.read(1, 10);
    const held = batch?.entries.map(({ id }) => id) ?? [];
    expect(ids(await other.takeOver(10, 0))).toEqual(held);
    await streams.keep(stream, held);
    await streams.readAgain(stream);
    expect(uids(await streams.read(1, 10))).toEqual(['2']);
  });

  test('a failed stream is read again by its reader alone, without another delivery', async () => {
    const { streams, other } = await open();
    await streams.read(2, 10);
    await streams.readAgain(stream);
    expect(uids(await other.read(10, 10))).toEqual(['3', '4']);
    const [batch] = await streams.read(10, 10);
    expect(batch?.entries.map(({ fields, deliveries }) => [fields?.uid, deliveries])).toEqual([
      ['1', 1],
      ['2', 1],
    ]);
  });
});
