import { once } from 'node:events';
import type { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { redisCheckout } from '../../src/adapters/redis/checkout.ts';
import { openRedis } from '../../src/adapters/redis/connections.ts';
import { type RefusalReason, refusalReasons } from '../../src/adapters/redis/refusal.ts';
import type { ProductId, UserId } from '../../src/core/instance/purchase.ts';
import { redisReasons } from '../../src/ops/telemetry/metrics/stores.ts';
import { openAddressSwitch } from '../support/address-switch.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import { pollUntil } from '../support/poll-until.ts';
import { redisConfig } from '../support/redis-config.ts';
import { noLedger, openLiveSale } from '../support/sales.ts';
import { connectTestRedis } from '../support/stores.ts';

const product = 1001n as ProductId;
const sale = '{stream:seckill:1001}:sale';

/** The Redis connections of a process of Weir, with its reports. */
function openProcess(url: string) {
  const refused: string[] = [];
  const connections = openRedis(redisConfig(url), (event) => {
    if (event.type === 'store refused') refused.push(event.reason);
  });
  onTestFinished(connections.close);
  const { selling, queries, health } = connections;
  const checkout = redisCheckout(selling, { queries, acknowledge: 'memory', ledger: noLedger });
  const buy = async (user: number) => {
    const userId = BigInt(user) as UserId;
    const [outcome] = await checkout.buy(product, [{ userId, idempotencyKey: undefined, ticket: undefined }]);
    return outcome;
  };
  const expectState = (state: RegExp | undefined, deadlineMs = 5_000) =>
    pollUntil(`readiness ${state}`, deadlineMs, async () => {
      if (state) expect(health.notReady()).toMatch(state);
      else expect(health.notReady()).toBeUndefined();
    });
  return { ...connections, buy, refused, expectState };
}

interface Case {
  reason: RefusalReason;
  /** The texts of readiness, and of the answer to a buyer. */
  says: RegExp;
  begin: (redis: Redis) => Promise<unknown>;
  end: (redis: Redis) => Promise<unknown>;
}

const set = (name: string, value: string | number) => (redis: Redis) => redis.config('SET', name, value);

const cases: Case[] = [
  {
    reason: 'OOM',
    says: /^Redis refuses writes: OOM command not allowed when used memory > 'maxmemory'$/,
    begin: set('maxmemory', 1),
    end: set('maxmemory', 0),
  },
  {
    reason: 'NOREPLICAS',
    says: /^Redis refuses writes: NOREPLICAS /,
    begin: set('min-replicas-to-write', 1),
    end: set('min-replicas-to-write', 0),
  },
  {
    reason: 'MISCONF',
    says: /^Redis refuses writes: MISCONF /,
    async begin(redis) {
      await redis.config('SET', 'save', '3600 1');
      await redis.config('SET', 'dbfilename', 'appendonlydir');
      await redis.bgsave('SCHEDULE');
    },
    async end(redis) {
      await redis.config('SET', 'dbfilename', 'dump.rdb');
      await redis.bgsave('SCHEDULE');
    },
  },
  {
    reason: 'BUSY',
    says: /^Redis refuses commands: BUSY /,
    async begin(redis) {
      await redis.config('SET', 'busy-reply-threshold', 10);
      const other = redis.duplicate({ lazyConnect: false });
      other.on('error', () => {});
      onTestFinished(() => other.disconnect());
      other.eval('while true do end', 0).catch(() => {});
      await once(other, 'ready');
    },
    end: (redis) => pollUntil('the script should end', 5_000, () => redis.script('KILL')),
  },
  {
    reason: 'READONLY',
    says: /^Redis refuses writes: READONLY /,
    begin: (redis) => redis.replicaof('127.0.0.1', 1),
    end: (redis) => redis.replicaof('NO', 'ONE'),
  },
  {
    reason: 'READONLY',
    says: /^Redis refuses writes: it is a replica$/,
    async begin(redis) {
      await redis.config('SET', 'replica-read-only', 'no');
      await redis.replicaof('127.0.0.1', 1);
    },
    async end(redis) {
      await redis.replicaof('NO', 'ONE');
      await redis.config('SET', 'replica-read-only', 'yes');
    },
  },
  {
    reason: 'MASTERDOWN',
    says: /^Redis refuses commands: MASTERDOWN |^Redis refuses writes: READONLY /,
    async begin(redis) {
      await redis.config('SET', 'replica-serve-stale-data', 'no');
      await redis.replicaof('127.0.0.1', 1);
    },
    end: (redis) => redis.replicaof('NO', 'ONE'),
  },
  {
    reason: 'NOAUTH',
    says: /^Redis refuses this client: NOAUTH /,
    async begin(redis) {
      await redis.config('SET', 'requirepass', 'secret');
      await redis.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    end: set('requirepass', ''),
  },
  {
    reason: 'NOPERM',
    says: /^Redis refuses a command: ERR The user executing the script can't run this command/,
    begin: (redis) => redis.acl('SETUSER', 'default', '-rpush'),
    end: (redis) => redis.acl('SETUSER', 'default', '+rpush'),
  },
];

describe('what Redis refuses', () => {
  test('every reason has its series in the metrics', () => {
    expect([...redisReasons].sort()).toEqual([...refusalReasons].sort());
  });

  test('a refusal of Redis is named in the answer, in readiness and once in the log', async () => {
    await using server = await startOwnRedis({ config: { 'enable-protected-configs': 'yes' } });
    const operator = connectTestRedis(server.url);
    const weir = openProcess(server.url);
    await weir.expectState(undefined);
    await openLiveSale(operator);
    let user = 0;
    for (const { reason, says, begin, end } of cases) {
      weir.refused.length = 0;
      await begin(operator);
      const isWritable = says.source.includes('it is a replica');
      if (!isWritable) {
        await pollUntil(`the answer to a buyer during ${reason}`, 5_000, async () => {
          const answer = await weir.buy(++user).catch((error) => error);
          expect(answer).toMatchObject({ code: 'STORE_UNAVAILABLE' });
          // Between two connections the reason is unknown.
          if (reason !== 'NOAUTH') expect(answer.message).toMatch(says);
        });
      }
      await weir.expectState(says);
      await end(operator);
      if (reason !== 'NOPERM') await weir.expectState(undefined);
      await pollUntil(`a buyer after ${reason}`, 5_000, async () =>
        expect(await weir.buy(++user)).toMatchObject({ kind: 'accepted' }),
      );
      const reported = weir.refused.filter((name) => name === reason);
      if (reason !== 'MASTERDOWN') expect(reported, reason).toHaveLength(1);
    }
  });

  test('a refusal of one key is shown, and readiness stays, since others go on', async () => {
    await using server = await startOwnRedis();
    const operator = connectTestRedis(server.url);
    const weir = openProcess(server.url);
    await weir.expectState(undefined);
    await operator.set(sale, 'x');
    await expect(weir.buy(1)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/^Redis refuses a key: WRONGTYPE /),
    });
    expect(weir.health.notReady()).toBeUndefined();
    expect(weir.health.remark()).toMatch(/WRONGTYPE/);
    expect(weir.refused).toEqual(['WRONGTYPE']);
  });

  test('a wrong Redis address, of a cluster node or a missing database, is named', async () => {
    await using server = await startOwnRedis({ config: { 'cluster-enabled': 'yes' } });
    await openProcess(server.url).expectState(
      /^Redis refuses commands: (CLUSTERDOWN|it is a node of a cluster)/,
    );
    await using other = await startOwnRedis();
    const lost = openProcess(`${other.url}/99`);
    await lost.expectState(/^Redis refuses this client: ERR DB index is out of range$/);
    await lost.buy(1).catch(() => {});
    expect(await connectTestRedis(other.url).dbsize(), 'nothing was written to database 0').toBe(0);
  });

  test('a demoted primary is left within seconds when its address leads to the new one', async () => {
    await using first = await startOwnRedis();
    await using second = await startOwnRedis();
    for (const { url } of [first, second]) await openLiveSale(connectTestRedis(url));
    const address = await openAddressSwitch(first.port);
    const weir = openProcess(`redis://127.0.0.1:${address.port}`);
    await weir.expectState(undefined);
    await connectTestRedis(first.url).replicaof('127.0.0.1', second.port);
    await weir.expectState(/^Redis refuses writes: READONLY /, 3_000);
    address.leadTo(second.port);
    await weir.expectState(undefined, 3_000);
    expect(await weir.buy(1)).toMatchObject({ kind: 'accepted' });
  });

  test('a frozen Redis is not ready within seconds, and every connection leaves it', async () => {
    await using first = await startOwnRedis();
    await using second = await startOwnRedis();
    for (const { url } of [first, second]) await openLiveSale(connectTestRedis(url));
    const address = await openAddressSwitch(first.port);
    const weir = openProcess(`redis://127.0.0.1:${address.port}`);
    await weir.expectState(undefined);
    const blocked = weir.reader.xread('BLOCK', 60_000, 'STREAMS', 'stream:seckill:1001', '$').catch(String);
    first.pause();
    await weir.expectState(/^Redis does not answer: no answer within 2000 ms$/, 4_000);
    address.leadTo(second.port);
    await pollUntil('a buyer', 10_000, async () =>
      expect(await weir.buy(1)).toMatchObject({ kind: 'accepted' }),
    );
    expect(await blocked, 'what only waits notices as well').toMatch(/MaxRetries|closed/);
    await weir.expectState(undefined);
    expect(weir.refused).toEqual(['SILENT']);
  });

  test('a loading Redis is named, and Weir is ready within a second after it', async () => {
    await using server = await startOwnRedis({ config: { 'enable-debug-command': 'yes' } });
    const operator = connectTestRedis(server.url);
    const weir = openProcess(server.url);
    await weir.expectState(undefined);
    await operator.mset(Array.from({ length: 1_000 }, (_, i) => [`key${i}`, 'x'.repeat(1_000)]).flat());
    await operator.config('SET', 'key-load-delay', 1_000);
    await operator.config('SET', 'loading-process-events-interval-bytes', 1_024);
    const loaded = operator.call('DEBUG', 'RELOAD');
    await weir.expectState(/^Redis refuses commands: LOADING /);
    await loaded;
    await weir.expectState(undefined, 1_500);
    expect(weir.refused).toContain('LOADING');
  });
});
