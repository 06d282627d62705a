import { expect, onTestFinished, test } from 'vitest';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { diagnoseRedis } from '../../src/adapters/redis/diagnose-redis.ts';
import type { TlsFiles } from '../../src/lib/tls-files.ts';
import { type Certificates, createCertificates } from '../support/certificates.ts';
import { expectAuditHolds } from '../support/life.ts';
import { readTlsPort, startOwnRedis } from '../support/own-redis.ts';
import { startOwnRedisCluster } from '../support/own-redis-cluster.ts';
import { createProduct } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { redisConfig } from '../support/redis-config.ts';
import { connectTestRedis, createPostgresDatabase } from '../support/stores.ts';
import { launchWeir, startWeir } from '../support/weir.ts';

/** The addresses for TLS, and the same with ports that do not use it. */
interface Addresses {
  secure: string;
  plainPort: string;
}

async function startCluster(tls: Certificates): Promise<Addresses> {
  const cluster = await startOwnRedisCluster({ tls });
  onTestFinished(() => cluster[Symbol.asyncDispose]());
  const ports = cluster.primaries.map((primary) => `127.0.0.1:${readTlsPort(primary)}`);
  return {
    secure: `rediss+cluster://${ports.join(',')}`,
    plainPort: cluster.url.replace('redis', 'rediss'),
  };
}

async function startSentinel(tls: Certificates): Promise<Addresses> {
  const [primary, sentinel] = await Promise.all([
    startOwnRedis({ tls, config: { appendfsync: 'always' } }),
    startOwnRedis({ tls, sentinel: true }),
  ]);
  onTestFinished(() => Promise.all([primary, sentinel].map((server) => server.dispose())).then(() => {}));
  const port = String(readTlsPort(primary));
  await connectTestRedis(sentinel.url).call('SENTINEL', 'MONITOR', 'main', '127.0.0.1', port, '1');
  return {
    secure: `rediss+sentinel://127.0.0.1:${readTlsPort(sentinel)}/main`,
    plainPort: `rediss+sentinel://127.0.0.1:${sentinel.port}/main`,
  };
}

const none: TlsFiles = { ca: '', cert: '', key: '' };

async function findProblem(addr: string, tls: TlsFiles): Promise<string> {
  const [first] = await diagnoseRedis({ ...redisConfig(addr), tls });
  return first?.level === 'problem' ? `${first.what} → ${first.advice}` : '';
}

async function createEnv(addr: string, { ca, cert, key }: TlsFiles) {
  return {
    WEIR_DATA_DATABASE_SOURCE: await createPostgresDatabase(),
    WEIR_DATA_REDIS_ADDR: addr,
    WEIR_DATA_REDIS_TLS_CA: ca,
    WEIR_DATA_REDIS_TLS_CERT: cert,
    WEIR_DATA_REDIS_TLS_KEY: key,
    WEIR_RESOURCE_SIMULATE: 'true',
    WEIR_RESOURCE_DELAYMS: '0',
  };
}

test.each([
  ['a Redis Cluster', startCluster],
  ['Sentinels', startSentinel],
])('a sale through %s with client certificates ends in an instance', async (_, start) => {
  const tls = createCertificates();
  const { secure, plainPort } = await start(tls);
  const env = await createEnv(secure, tls);
  const database = openPostgresServer({
    ...{ url: env.WEIR_DATA_DATABASE_SOURCE, maxConnections: 1 },
    onConnectionError() {},
  });
  onTestFinished(() => database.close());
  await createProduct(database);
  const weir = await startWeir(env);
  const sale = { productId: '1001', stock: 10, perUserLimit: 1 };
  await pollUntil('the sale to be opened', 10_000, async () =>
    expect((await weir.request('POST', '/v1/sales', sale)).status).toBe(201),
  );
  expect((await weir.request('POST', '/v1/sales/1001/buy', { userId: '7' })).status).toBe(202);
  await pollUntil('the instance', 10_000, async () =>
    expect(await database.query('SELECT FROM instance_logs')).toHaveLength(1),
  );
  await expectAuditHolds(weir);

  expect(await findProblem(secure, tls)).toBe('');
  const other = createCertificates();
  expect(await findProblem(secure, { ...tls, ca: other.ca })).toMatch(
    /self-signed certificate in certificate chain → set data\.redis\.tls\.ca to/,
  );
  expect(await findProblem(secure, { ...none, ca: tls.ca })).toMatch(
    /→ .*set data\.redis\.tls\.cert and data\.redis\.tls\.key/,
  );
  expect(await findProblem(plainPort, tls)).toMatch(/→ .* redis\+\w+:\/\/ where this port does not use TLS/);
  expect(await findProblem(secure.replace('rediss', 'redis'), none)).toMatch(
    /→ .* rediss\+\w+:\/\/ where it requires TLS/,
  );

  const untrusting = await startWeir({ ...env, WEIR_DATA_REDIS_TLS_CA: other.ca });
  await pollUntil('readyz to name the cause', 10_000, async () =>
    expect((await untrusting.request('GET', '/readyz')).body.streams).toMatch(
      /^Redis is not connected: .*self-signed certificate in certificate chain$/,
    ),
  );
  expect(JSON.stringify(untrusting.lines)).toContain('self-signed certificate in certificate chain');
  const unreadable = launchWeir({ ...env, WEIR_DATA_REDIS_TLS_CA: '/nowhere.pem' });
  expect(await unreadable.exited).toBe(1);
  expect(unreadable.lines.at(-1)?.msg).toMatch(/^weir: cannot read data\.redis\.tls\.ca: ENOENT/);
});
