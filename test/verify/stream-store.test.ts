import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { NotAdded, StreamStore } from '../../verify/src/stores/redis.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import { pollUntil } from '../support/poll-until.ts';

const stream = 'stream:seckill:1';
const fields = ['uid', '1'];

function connect(url: string): Redis {
  const redis = new Redis(url);
  redis.on('error', () => {});
  onTestFinished(() => redis.disconnect());
  return redis;
}

async function openStore(address: string): Promise<StreamStore> {
  const store = new StreamStore(address);
  onTestFinished(() => store.close());
  await store.ping();
  return store;
}

/** Until Redis is back. Only what certainly was not added is added again. */
async function insist(store: StreamStore): Promise<string> {
  return pollUntil('an entry to be added', 30_000, () => store.addEntry(stream, fields));
}

describe('the checker adds entries through a failover and none twice', () => {
  test('a cluster whose node was killed gets each entry once', async () => {
    const config = { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' };
    await using server = await startOwnRedis({ config });
    const admin = connect(server.url);
    await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await pollUntil('the cluster to be up', 10_000, async () =>
      expect(await admin.call('CLUSTER', 'INFO')).toContain('cluster_state:ok'),
    );
    const store = await openStore(`redis+cluster://127.0.0.1:${server.port}`);
    const first = await store.addEntry(stream, fields);
    expect(await store.findEntry(stream, first)).toBe('waiting');
    await server.kill();
    const refused = await store.addEntry(stream, fields).catch((error: NotAdded) => error);
    expect(refused).toBeInstanceOf(NotAdded);
    await server.restart();
    await insist(store);
    expect(await connect(server.url).xlen(stream)).toBe(2);
  });

  test('sentinels whose master was killed lead to the new one', async () => {
    await using master = await startOwnRedis();
    await using replica = await startOwnRedis();
    await using sentinel = await startOwnRedis({ sentinel: true });
    const second = connect(replica.url);
    await second.replicaof('127.0.0.1', master.port);
    const watcher = connect(sentinel.url);
    await watcher.call('SENTINEL', 'MONITOR', 'shop', '127.0.0.1', String(master.port), '1');
    await watcher.call('SENTINEL', 'SET', 'shop', 'down-after-milliseconds', '500');
    const store = await openStore(`redis+sentinel://127.0.0.1:${sentinel.port}/shop`);
    await store.addEntry(stream, fields);
    await pollUntil('the replica to have the entry', 15_000, async () => {
      expect(await second.xlen(stream)).toBe(1);
      expect(await watcher.call('SENTINEL', 'REPLICAS', 'shop')).toHaveLength(1);
    });
    await master.kill();
    await insist(store);
    expect(await second.xlen(stream)).toBe(2);
  });
});

test('an entry is waiting until Weir acknowledged it, then taken, absent once deleted', async () => {
  await using server = await startOwnRedis();
  const redis = connect(server.url);
  const store = await openStore(server.url);
  const id = await store.addEntry(stream, fields);
  await redis.xgroup('CREATE', stream, 'weir', '0');
  expect(await store.findEntry(stream, id)).toBe('waiting');
  await redis.xreadgroup('GROUP', 'weir', 'c', 'COUNT', 1, 'STREAMS', stream, '>');
  expect(await store.findEntry(stream, id)).toBe('waiting');
  await redis.xack(stream, 'weir', id);
  expect(await store.findEntry(stream, id)).toBe('taken');
  await redis.xdel(stream, id);
  expect(await store.findEntry(stream, id)).toBe('absent');
});
