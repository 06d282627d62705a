import type { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { saleStreams } from '../../src/adapters/redis/sale-keys.ts';
import type { StreamBatch } from '../../src/core/triggers/seckill-streams.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import type { OwnServer } from '../support/own-server.ts';
import { pollUntil } from '../support/poll-until.ts';
import { openRedisStreams } from '../support/seckill-trigger.ts';
import { connectTestRedis } from '../support/stores.ts';

let server: OwnServer;
let redis: Redis;

beforeAll(async () => {
  server = await startOwnRedis({ appendonly: false });
});
afterAll(() => server.dispose());
beforeEach(async () => {
  redis = connectTestRedis(server.url);
  await redis.flushall();
  await redis.config('RESETSTAT');
});

const streamOf = (n: number) => `stream:seckill:${n}`;
const uids = (batches: StreamBatch[]) =>
  batches.flatMap(({ entries }) => entries.map(({ fields }) => fields?.uid));
const bytesOf = (batches: StreamBatch[]) =>
  batches.flatMap(({ entries }) => entries).reduce((sum, { bytes }) => sum + bytes, 0);

async function countCalls(command: string): Promise<number> {
  const calls = new RegExp(`cmdstat_${command}:calls=(\\d+)`, 'i').exec(await redis.info('commandstats'));
  return Number(calls?.[1] ?? 0);
}

const addForeignKeys = (count: number) =>
  redis.eval(`for i = 1, ${count} do redis.call('SET', 'foreign:' .. i, '') end`, 0);

/** Each has had one entry, which was finished long ago, and still lists a consumer that no longer exists. */
const addOldStreams = (count: number) =>
  redis.eval(
    `for i = 1, ${count} do
       local key = 'stream:seckill:' .. i
       redis.call('XADD', key, '1-1', 'uid', '1')
       redis.call('XGROUP', 'CREATE', key, 'weir', '0')
       redis.call('XREADGROUP', 'GROUP', 'weir', 'gone', 'STREAMS', key, '>')
       redis.call('XACK', key, 'weir', '1-1')
     end`,
    0,
  );

test("winners of Weir's own sales are found at once among 400,000 foreign keys", async () => {
  await addForeignKeys(400_000);
  // Several: a scan would find one of them early by chance, but not all.
  const numbers = Array.from({ length: 20 }, (_, i) => i + 1);
  await redis.sadd(saleStreams, ...numbers.map(streamOf));
  const streams = await openRedisStreams(server.url);
  await streams.discover();
  for (const number of numbers) await redis.xadd(streamOf(number), '*', 'uid', `${number}`);
  const found = new Set<string | undefined>();
  await pollUntil('the winners', 1_000, async () => {
    await streams.discover();
    for (const uid of uids(await streams.read(100, 10))) found.add(uid);
    expect(found.size).toBe(numbers.length);
  });
});

test('a look for new streams reads few of the known foreign keys', async () => {
  await addForeignKeys(50_000);
  const streams = await openRedisStreams(server.url);
  await pollUntil('a stream beyond the foreign keys', 10_000, async () => {
    await redis.xadd(streamOf(1), '1-1', 'uid', '7').catch(() => {});
    await streams.discover();
    expect(uids(await streams.read(10, 1))).toEqual(['7']);
  });
  await redis.config('RESETSTAT');
  for (let look = 0; look < 20; look++) await streams.discover();
  expect(await countCalls('scan')).toBeLessThan(40);
});

test('a winner among 1,000 old streams is read at once', async () => {
  await addOldStreams(1_000);
  const streams = await openRedisStreams(server.url);
  await pollUntil('all streams', 10_000, async () => {
    await streams.discover();
    await streams.read(100, 1);
    const consumers = (await redis.call('XINFO', 'CONSUMERS', streamOf(1_000), 'weir')) as unknown[];
    expect(consumers.length).toBeGreaterThan(0);
    expect(await countCalls('xgroup\\|create')).toBeGreaterThanOrEqual(2_000);
  });
  const latencies: number[] = [];
  for (let n = 1; n <= 20; n++) {
    const reading = streams.read(100, 2_000);
    const startedAt = performance.now();
    await redis.xadd(streamOf(n * 50), '*', 'uid', `${n}`);
    expect(uids(await reading)).toEqual([`${n}`]);
    latencies.push(performance.now() - startedAt);
  }
  expect(latencies.sort((a, b) => a - b).at(10)).toBeLessThan(200);

  // A stream that becomes known during the long read does not wait for its end.
  const reading = streams.read(100, 100);
  await redis.xadd(streamOf(5_000), '*', 'uid', 'new');
  await reading;
  await pollUntil('the winner of a new stream', 2_000, async () => {
    await streams.discover();
    expect(uids(await streams.read(100, 100))).toEqual(['new']);
  });

  await redis.config('RESETSTAT');
  expect(await streams.takeOver(100, 60_000)).toEqual([]);
  expect(await countCalls('xautoclaim')).toBeLessThanOrEqual(20);
  expect(await countCalls('type')).toBe(0);
});

test('entries of a dead consumer on any of 1,500 streams are taken over', async () => {
  await addOldStreams(1_500);
  const streams = await openRedisStreams(server.url);
  await pollUntil('all streams', 10_000, async () => {
    await streams.discover();
    await streams.read(100, 1);
    expect(await countCalls('xgroup\\|create')).toBeGreaterThanOrEqual(3_000);
  });
  await redis.xadd(streamOf(1_499), '*', 'uid', '9');
  await redis.xreadgroup('GROUP', 'weir', 'dead', 'STREAMS', streamOf(1_499), '>');
  const found = [...(await streams.takeOver(100, 0)), ...(await streams.takeOver(100, 0))];
  expect(uids(found)).toContain('9');
});

test('consumers that are long gone are removed, unless entries are pending for them', async () => {
  const key = streamOf(1);
  await redis.xadd(key, '1-1', 'uid', '1');
  await redis.xgroup('CREATE', key, 'weir', '0');
  await redis.xreadgroup('GROUP', 'weir', 'holds', 'STREAMS', key, '>');
  await redis.xgroup('CREATECONSUMER', key, 'weir', 'young');
  const streams = await openRedisStreams(server.url);
  await streams.discover();
  await streams.trim(0);
  const readNames = async () =>
    ((await redis.call('XINFO', 'CONSUMERS', key, 'weir')) as string[][]).map(([, name]) => name).sort();
  expect(await readNames()).toEqual(['holds', 'young']);
  const { deleteIdleConsumers } = await import('../../src/adapters/redis/scripts.ts');
  await pollUntil('young to be idle for 1 ms', 1_000, async () => {
    await redis.eval(deleteIdleConsumers, 1, key, 'weir', 1);
    expect(await readNames()).toEqual(['holds']);
  });
});

const megabyte = 'x'.repeat(1_000_000);

async function addLarge(key: string, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) await redis.xadd(key, `${n}-0`, 'uid', `${n}`, 'note', megabyte);
}

test('no read brings much more than 16 MB, and all entries come in order', async () => {
  await addLarge(streamOf(1), 50);
  const streams = await openRedisStreams(server.url);
  await streams.discover();
  const seen: (string | undefined)[] = [];
  await pollUntil('all entries', 10_000, async () => {
    const batches = await streams.read(500, 10);
    expect(bytesOf(batches)).toBeLessThan(20_000_000);
    seen.push(...uids(batches));
    expect(seen).toHaveLength(50);
  });
  expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => `${i + 1}`));
});

test('no takeover and no second read of pending entries brings much more than 16 MB', async () => {
  await addLarge(streamOf(1), 50);
  await redis.xgroup('CREATE', streamOf(1), 'weir', '0');
  await redis.xreadgroup('GROUP', 'weir', 'dead', 'STREAMS', streamOf(1), '>');
  const streams = await openRedisStreams(server.url);
  await streams.discover();
  const first = await streams.takeOver(500, 0);
  expect(bytesOf(first)).toBeGreaterThan(10_000_000);
  expect(bytesOf(first)).toBeLessThan(20_000_000);
  await streams.readAgain(streamOf(1));
  const again = await streams.read(500, 10);
  expect(uids(again).slice(0, 10)).toEqual(uids(first).slice(0, 10));
  expect(bytesOf(again)).toBeLessThan(20_000_000);
});

test('large entries of one stream do not keep the winners of another waiting', async () => {
  await addLarge(streamOf(1), 40);
  const streams = await openRedisStreams(server.url);
  await streams.discover();
  await streams.read(500, 10);
  await redis.xadd(streamOf(2), '*', 'uid', 'small');
  await streams.discover();
  const reads: (string | undefined)[][] = [];
  for (let i = 0; i < 4; i++) reads.push(uids(await streams.read(500, 10)));
  expect(reads.flat()).toContain('small');
});

test('a stream that loses its type or its key while it is waited for stops no other', async () => {
  await addOldStreams(300);
  const streams = await openRedisStreams(server.url);
  await pollUntil('all streams', 10_000, async () => {
    await streams.discover();
    await streams.read(100, 1);
    expect(await countCalls('xgroup\\|create')).toBeGreaterThanOrEqual(600);
  });
  const all = Array.from({ length: 300 }, (_, i) => streamOf(i + 1));
  for (const key of all.slice(0, 290)) await redis.del(key);
  for (const key of all.slice(0, 10)) await redis.set(key, 'another type');
  for (const key of all.slice(10, 20)) await redis.xadd(key, '*', 'uid', 'again');
  for (const key of all.slice(290)) await redis.xadd(key, '*', 'uid', 'same');
  const seen: (string | undefined)[] = [];
  await pollUntil('all winners', 10_000, async () => {
    await streams.discover();
    seen.push(...uids(await streams.read(100, 10)));
    expect(seen.sort()).toEqual([...Array(10).fill('again'), ...Array(10).fill('same')]);
  });
});
