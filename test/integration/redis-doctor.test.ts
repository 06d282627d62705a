import { readdirSync, readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { findFreePort } from '../../scripts/services/find.mjs';
import { commandsTried } from '../../src/adapters/redis/commands.ts';
import type { RedisConfig } from '../../src/adapters/redis/connections.ts';
import { diagnoseRedis } from '../../src/adapters/redis/diagnose-redis.ts';
import { createCertificates } from '../support/certificates.ts';
import { lacks } from '../support/newer.ts';
import { startOwnRedis, startOwnValkey } from '../support/own-redis.ts';
import { pollUntil } from '../support/poll-until.ts';
import { redisConfig } from '../support/redis-config.ts';
import { connectTestRedis } from '../support/stores.ts';

const problems = async (config: RedisConfig) =>
  (await diagnoseRedis(config))
    .filter(({ level }) => level !== 'ok')
    .map(({ what, advice }) => `${what} → ${advice}`);

/** The redis.conf of a server without findings. */
const good = { appendfsync: 'always' };

/** The Redis commands in the sources, in scripts and of the client. */
function findCommands(): string[] {
  const folder = new URL('../../src/adapters/redis/', import.meta.url);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const text = names.map((name) => readFileSync(new URL(name, folder), 'utf8'));
  const inScripts = text.join().matchAll(/redis\.p?call\('([A-Z]+)'/g);
  const ofClient = text.join().matchAll(/\.([a-z]+?)(?:Buffer)?\(/g);
  const client = new Redis({ lazyConnect: true });
  // Methods of arrays and strings too; and commands that only the start and doctor send, and can do without.
  const others = [
    'cluster',
    'sync',
    'wait',
    'sort',
    'exec',
    'multi',
    'append',
    'keys',
    'type',
    'config',
    'client',
    'move',
    'get',
    'set',
  ];
  const known = client.getBuiltinCommands().filter((name) => !others.includes(name));
  const found = [...inScripts, ...ofClient].map(([, name = '']) => name.toLowerCase());
  return [...new Set(found)].filter((name) => known.includes(name));
}

describe('weir doctor on Redis', () => {
  test('doctor finds nothing where everything is right, and leaves no key', async () => {
    await using server = await startOwnRedis({ config: good });
    expect(await problems(redisConfig(server.url))).toEqual([]);
    expect(await connectTestRedis(server.url).keys('*')).toEqual([]);
  });

  test('doctor names each setting and state that makes a sale lose something or stop', async () => {
    await using server = await startOwnRedis({ config: { ...good, 'enable-protected-configs': 'yes' } });
    const redis = connectTestRedis(server.url);
    const set = (name: string, value: string | number) => redis.config('SET', name, value);
    const cases: [begin: () => Promise<unknown>, end: () => Promise<unknown>, found: RegExp][] = [
      [() => set('maxmemory', 1), () => set('maxmemory', 0), /refuses writes: OOM .* → raise maxmemory/],
      [
        async () => {
          const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
          // A slot for the connection of the check.
          await set('maxmemory', used + 200_000);
        },
        () => set('maxmemory', 0),
        /% of maxmemory is used/,
      ],
      [
        () => set('min-replicas-to-write', 1),
        () => set('min-replicas-to-write', 0),
        /NOREPLICAS .* → bring the replicas back/,
      ],
      [() => set('timeout', 10), () => set('timeout', 0), /^timeout = 10: closes connections/],
      [
        () => set('client-output-buffer-limit', 'normal 1000 0 0'),
        () => set('client-output-buffer-limit', 'normal 0 0 0'),
        /^client-output-buffer-limit normal 1000/,
      ],
      [
        () => set('maxclients', 2),
        () => set('maxclients', 1_000),
        /of maxclients = 2 connections are in use/,
      ],
      [() => set('appendfsync', 'no'), () => set('appendfsync', 'always'), /^appendfsync = no/],
      [() => set('appendonly', 'no'), () => set('appendonly', 'yes'), /^appendonly = no/],
      [
        () => set('no-appendfsync-on-rewrite', 'yes'),
        () => set('no-appendfsync-on-rewrite', 'no'),
        /^no-appendfsync-on-rewrite = yes/,
      ],
      [
        async () => {
          await set('maxmemory', '1gb');
          await set('maxmemory-policy', 'allkeys-lru');
        },
        () => set('maxmemory', 0),
        /^maxmemory-policy = allkeys-lru: .* → set maxmemory-policy noeviction/,
      ],
      [
        () => redis.acl('SETUSER', 'default', '-xautoclaim', '-rpush'),
        () => redis.acl('SETUSER', 'default', '+@all'),
        /^Weir may not run XAUTOCLAIM, RPUSH: NOPERM/,
      ],
      [
        () => redis.mset('stream:seckill:7', 'x', '{stream:seckill:8}:sale', 'x'),
        () => redis.del('stream:seckill:7', '{stream:seckill:8}:sale'),
        /^stream:seckill:7 is a string, not a stream/,
      ],
      [
        async () => {
          await redis.sadd('weir:sales', 'stream:seckill:8');
          await redis.set('{stream:seckill:8}:order', 'x');
        },
        () => redis.del('weir:sales', '{stream:seckill:8}:order'),
        /^\{stream:seckill:8\}:order is a string, not a list/,
      ],
      [
        () => redis.set('weir:sales', 'x'),
        () => redis.del('weir:sales'),
        /^weir:sales is a string, not a set/,
      ],
      [
        () => redis.replicaof('127.0.0.1', 1),
        () => redis.replicaof('NO', 'ONE'),
        /^it is a replica of 127.0.0.1:1 → point data.redis.addr to the primary/,
      ],
      [
        async () => {
          await set('save', '3600 1');
          await set('dbfilename', 'appendonlydir');
          await redis.bgsave('SCHEDULE');
          await pollUntil('the snapshot should fail', 5_000, async () =>
            expect(await redis.info('persistence')).toMatch(/rdb_last_bgsave_status:err/),
          );
        },
        () => set('dbfilename', 'dump.rdb'),
        /^the last snapshot failed, and stop-writes-on-bgsave-error stops all sales/,
      ],
    ];
    for (const [begin, end, found] of cases) {
      await begin();
      expect(await problems(redisConfig(server.url)), String(found)).toContainEqual(
        expect.stringMatching(found),
      );
      await end();
    }
  });

  test('doctor names a node of a cluster and a Sentinel', async () => {
    await using node = await startOwnRedis({ config: { ...good, 'cluster-enabled': 'yes' } });
    expect(await problems(redisConfig(node.url))).toEqual([
      'it is a node of a cluster → write redis+cluster://host:port,… in data.redis.addr for a cluster, and redis:// for a single server',
    ]);
    await using sentinel = await startOwnRedis({ sentinel: true });
    expect(await problems(redisConfig(sentinel.url))).toEqual([
      expect.stringMatching(/^it is a Sentinel → write redis\+sentinel:\/\//),
    ]);
  });

  test('doctor tries every command that Weir sends, as the documented user', async () => {
    await using server = await startOwnRedis({ config: good });
    const text = readFileSync(new URL('../../docs/stores.md', import.meta.url), 'utf8');
    const [, documented = ''] = /ACL SETUSER weir (on [\s\S]*?)```/.exec(text) ?? [];
    await connectTestRedis(server.url).acl('SETUSER', 'weir', ...documented.trim().split(/\s+/));
    const { port } = new URL(server.url);
    expect(await problems(redisConfig(`redis://weir:password@127.0.0.1:${port}`))).toEqual([]);
    const names = commandsTried.map(([name]) => name?.toLowerCase());
    expect(findCommands().filter((name) => !names.includes(name))).toEqual([]);
  });

  test('doctor proves for sale.acknowledge fsync that a write reaches the disk', async () => {
    await using server = await startOwnRedis({ config: good });
    expect(await problems({ ...redisConfig(server.url), acknowledge: 'fsync' })).toContainEqual(
      expect.stringMatching(
        /^sale.acknowledge is fsync, so nothing is sold: .*WAITAOF.* → use Redis 7.2 or Valkey/,
      ),
    );
  });

  test.skipIf(lacks('valkey'))(
    'doctor accepts Valkey for sale.acknowledge fsync, unless it never syncs',
    async () => {
      await using server = await startOwnValkey({ config: good });
      const config: RedisConfig = { ...redisConfig(server.url), acknowledge: 'fsync' };
      expect(await problems(config)).toEqual([]);
      await connectTestRedis(server.url).config('SET', 'appendfsync', 'no');
      expect(await problems(config)).toContainEqual(
        expect.stringMatching(/so nothing is sold: .*no write to disk/),
      );
    },
  );
});

describe('weir doctor on a Redis that it cannot reach names the setting', () => {
  test('doctor names the wrong CA, certificate, TLS, login, database or host', async () => {
    const { ca, cert, key } = createCertificates();
    const tlsPort = await findFreePort();
    await using server = await startOwnRedis({
      config: {
        ...{ ...good, 'tls-port': String(tlsPort), 'tls-auth-clients': 'yes' },
        ...{ 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': ca },
      },
    });
    await connectTestRedis(server.url).config('SET', 'requirepass', 'secret');
    const secure = { ...redisConfig(`rediss://:secret@127.0.0.1:${tlsPort}`) };
    const { port } = new URL(server.url);
    const find = async (config: RedisConfig) => (await problems(config)).join('\n');
    expect(await find(secure)).toMatch(/→ set data.redis.tls.ca to the file of the CA/);
    expect(await find({ ...secure, tls: { ca, cert: '', key: '' } })).toMatch(
      /→ .*set data.redis.tls.cert and data.redis.tls.key/,
    );
    expect(await find({ ...secure, tls: { ca, cert, key } })).toBe('');
    expect(await find({ ...secure, tls: { ca: '/nowhere.pem', cert: '', key: '' } })).toMatch(
      /cannot read data.redis.tls.ca: ENOENT.* → check the files of data.redis.tls.ca/,
    );
    expect(await find(redisConfig(`redis://:secret@127.0.0.1:${tlsPort}`))).toMatch(
      /rediss:\/\/ where it requires/,
    );
    expect(await find(redisConfig(`rediss://:secret@127.0.0.1:${port}`))).toMatch(
      /redis:\/\/ where this port does not use TLS/,
    );
    for (const login of ['', ':wrong@', 'nobody:secret@']) {
      expect(await find(redisConfig(`redis://${login}127.0.0.1:${port}`))).toMatch(
        /Redis refuses this client: (NOAUTH|WRONGPASS).* → check user, password and database number/,
      );
    }
    expect(await find(redisConfig(`redis://:secret@127.0.0.1:${port}/99`))).toMatch(
      /DB index is out of range/,
    );
    expect(await find(redisConfig('redis://no-such-host.invalid:6379'))).toMatch(/→ check the host name/);
  });
});
