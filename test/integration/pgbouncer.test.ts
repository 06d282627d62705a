import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { expectOneSentence } from '../journey/one-sentence.ts';
import { createLifeQueues, expectAuditHolds, startResource } from '../support/life.ts';
import {
  lacksPgbouncer,
  type PgbouncerOptions,
  startOwnPgbouncer,
  throughPooler,
} from '../support/own-pgbouncer.ts';
import type { OwnServer } from '../support/own-server.ts';
import {
  connectTestRedis,
  createEmptyPostgresDatabase,
  createPostgresDatabase,
  createRedisDatabase,
} from '../support/stores.ts';
import { runWeir, startWeir } from '../support/weir.ts';

const product = { id: '1001', name: 'x', cpus: 1, memoryMb: 1, image: 'x' };
const purchases = 30;

async function startPooler(options: PgbouncerOptions): Promise<OwnServer> {
  const pooler = await startOwnPgbouncer(options);
  onTestFinished(() => pooler.dispose());
  return pooler;
}

/** What doctor reports about the pooler. */
async function diagnose(env: Record<string, string>) {
  const { stdout } = await runWeir(['doctor', '--json'], env);
  const { findings } = JSON.parse(stdout) as { findings: { level: string; what: string; advice: string }[] };
  return findings.filter(({ what }) => /pooler/.test(what));
}

/** A role with all rights in this database, which the test may alter. */
async function createRole(databaseUrl: string, ...settings: string[]): Promise<string> {
  const role = `weir_role_${randomBytes(5).toString('hex')}`;
  const client = new pg.Client(databaseUrl);
  await client.connect();
  const database = new URL(databaseUrl).pathname.slice(1);
  await client.query(`CREATE ROLE ${role} LOGIN; GRANT ALL ON DATABASE ${database} TO ${role};
    GRANT ALL ON SCHEMA public TO ${role}`);
  for (const setting of settings) await client.query(`ALTER ROLE ${role} SET ${setting}`);
  onTestFinished(async () => {
    await client.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
    await client.end();
  });
  return role;
}

describe.skipIf(lacksPgbouncer())('PgBouncer', () => {
  const modes: [string, PgbouncerOptions][] = [
    ['session mode', { mode: 'session', poolSize: 60 }],
    ['transaction mode', { mode: 'transaction', poolSize: 4 }],
    ['transaction mode before 1.21', { mode: 'transaction', poolSize: 4, preparedStatements: 0 }],
  ];

  test.each(modes)('purchases through PgBouncer in %s are settled', async (_, options) => {
    const pooler = await startPooler(options);
    const redisUrl = await createRedisDatabase();
    const env = {
      WEIR_DATA_DATABASE_SOURCE: throughPooler(pooler, await createEmptyPostgresDatabase()),
      WEIR_DATA_REDIS_ADDR: redisUrl,
      WEIR_SERVER_HTTP_REQUESTSPERMINUTE: '0',
      ...createLifeQueues().env,
    };
    const weir = await startWeir(env);
    startResource(env);
    expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
    const redis = connectTestRedis(redisUrl);
    for (let user = 1; user <= purchases; user++) await redis.xadd('stream:seckill:1001', '*', 'uid', user);
    const give = (n: number) =>
      weir.request('POST', '/v1/instances', {
        source: 'GIFT',
        sourceId: `${n}`,
        productId: '1001',
        userId: '7',
      });
    const pay = async () => {
      const { body } = await weir.request('POST', '/v1/orders', { productId: '1001', userId: '7' });
      return weir.request('POST', `/v1/orders/${body.id}/paid`);
    };
    const answers = await Promise.all(Array.from({ length: purchases }, (_, n) => [give(n), pay()]).flat());
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    const repeats = await Promise.all(Array.from({ length: purchases }, (_, n) => give(n)));
    expect(new Set(repeats.map(({ status }) => status))).toEqual(new Set([200]));
    await expectAuditHolds(weir);
    const { body } = await weir.request('GET', '/v1/stats/sources');
    for (const { total, success } of body.items)
      expect([total, success]).toEqual([`${purchases}`, `${purchases}`]);
    expect(body.items).toHaveLength(3);
    // While Weir uses the same pool.
    expect(await diagnose(env)).toMatchObject([
      {
        level: expect.stringMatching(/^(?:ok|warning)$/),
        what: expect.stringContaining(`in ${options.mode} mode`),
      },
    ]);
    expect(await weir.stop()).toBe(0);
  });

  test('a start behind PgBouncer in statement mode exits with 1 and names the cure', async () => {
    const pooler = await startPooler({ mode: 'statement' });
    const env = { WEIR_DATA_DATABASE_SOURCE: throughPooler(pooler, await createPostgresDatabase()) };
    const { code, stderr } = await runWeir(['start'], { ...env, WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0' });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toContain(
      'in statement mode it refuses transactions; set pool_mode = session or transaction',
    );
    expect(await diagnose(env)).toMatchObject([
      { level: 'problem', advice: expect.stringContaining('pool_mode') },
    ]);
  });

  test.each([
    ['search_path', 'search_path = "shop"', { WEIR_DATA_DATABASE_SCHEMA: 'shop' }],
    ['IntervalStyle', "intervalstyle = 'postgres'", {}],
  ])('a start in transaction mode with another %s names the remedy', async (name, setting, more) => {
    const database = await createEmptyPostgresDatabase();
    const role = await createRole(
      database,
      ...(name === 'IntervalStyle' ? ["intervalstyle = 'iso_8601'"] : []),
    );
    const pooler = await startPooler({ mode: 'transaction', user: role });
    const env = {
      WEIR_DATA_DATABASE_SOURCE: throughPooler(pooler, database),
      WEIR_SERVER_ROLES: 'http',
      ...more,
    };
    const cure = `ALTER ROLE "${role}" SET ${setting}`;
    const { code, stderr } = await runWeir(['start'], { ...env, WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0' });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toContain(`use session mode, or run ${cure}, then RECONNECT`);
    expect(await diagnose(env)).toMatchObject([{ level: 'problem', advice: expect.stringContaining(cure) }]);

    const client = new pg.Client(database);
    await client.connect();
    await client.query(cure);
    await client.end();
    await pooler.restart();
    const weir = await startWeir(env);
    expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
  });

  test('a long transaction keeps its deadline where reads have left a shorter one', async () => {
    const pooler = await startPooler({ mode: 'transaction', poolSize: 1 });
    const url = throughPooler(pooler, await createPostgresDatabase());
    const database = openPostgresServer({
      url,
      maxConnections: 1,
      readConnections: 1,
      onConnectionError() {},
    });
    onTestFinished(() => database.close());
    const readTimeout = "SELECT current_setting('statement_timeout') AS timeout";
    await database.query('SELECT 1');
    expect(await database.reads.query(readTimeout)).toEqual([{ timeout: '5s' }]);
    const long = database.withDeadline(60_000);
    expect(await long.transaction((sql) => sql.query(readTimeout))).toEqual([{ timeout: '1min' }]);
  });

  test.each([['session'], ['transaction']] as const)('no plan is kept in %s mode', async (mode) => {
    const url = await createPostgresDatabase();
    const pooler = await startPooler({ mode });
    const readPlanMode = async (source: string) => {
      const database = openPostgresServer({ url: source, maxConnections: 1, onConnectionError() {} });
      onTestFinished(() => database.close());
      return database.query({ text: 'SHOW plan_cache_mode', keepsPlan: true });
    };
    expect(await readPlanMode(throughPooler(pooler, url))).toEqual([
      { plan_cache_mode: 'force_custom_plan' },
    ]);
    expect(await readPlanMode(url)).toEqual([{ plan_cache_mode: 'force_generic_plan' }]);
  });
});
