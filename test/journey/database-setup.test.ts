import { readFileSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { expectAuditHolds } from '../support/life.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createEmptyPostgresDatabase, createPostgresDatabase, uniqueName } from '../support/stores.ts';
import { type RunningWeir, runWeir, startWeir } from '../support/weir.ts';
import { expectOneSentence } from './one-sentence.ts';

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

async function listTables(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query(
    "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)' ORDER BY 1",
  );
  return rows.map(({ name }) => name);
}

const product = {
  id: '1001',
  name: 'GPU',
  cpus: 1,
  memoryMb: 1024,
  gpu: 1,
  image: 'ubuntu',
  priceCents: '5',
};
const simulation = {
  WEIR_RESOURCE_SIMULATE: 'true',
  WEIR_RESOURCE_DELAYMS: '0',
  WEIR_RESOURCE_FAILPERCENT: '50',
};

/** A sale, orders, a gift, results, failures with their compensations, a full audit, keys. */
async function liveWholly(weir: RunningWeir): Promise<void> {
  const send = async (path: string, body?: object) => {
    const answer = await weir.request('POST', path, body);
    expect([path, answer.status < 300]).toEqual([path, true]);
    return answer.body;
  };
  await send('/v1/products', { ...product, enabled: true });
  await send('/v1/sales', { productId: '1001', stock: 5 });
  for (let user = 1; user <= 5; user++) await send('/v1/sales/1001/buy', { userId: `${user}` });
  for (let user = 1; user <= 5; user++) {
    const { id } = await send('/v1/orders', { productId: '1001', userId: `${user}` });
    await send(`/v1/orders/${id}/paid`);
  }
  await send('/v1/instances', { source: 'GIFT', sourceId: 'G1', productId: '1001', userId: '9' });
  await pollUntil('every purchase to have its instance', 30_000, async () => {
    const { body } = await weir.request('GET', '/v1/instances?limit=50');
    expect(body.items).toHaveLength(11);
  });
  await expectAuditHolds(weir);
  expect((await weir.request('GET', '/v1/audit?full=true')).body.ok).toBe(true);
  for (const path of ['/v1/now', '/v1/stats/sources', '/v1/parked', '/v1/instances?q=G1', '/v1/sales']) {
    expect([path, (await weir.request('GET', path)).status]).toEqual([path, 200]);
  }
  // Changes the product, so that its previous version is kept.
  await weir.request('PATCH', '/v1/products/1001', { enabled: false });
  await send('/v1/keys', { name: 'ops', scope: 'admin' });
}

function failuresOf(weir: RunningWeir): unknown[] {
  return weir.lines.filter(({ event }) => ['store_failed', 'request_failed'].includes(String(event)));
}

describe('a role with exactly the documented grants', () => {
  test('a role with the documented grants runs Weir with data.database.migrate off', async () => {
    const url = new URL(await createPostgresDatabase());
    const owner = await connect(url.href);
    const name = url.pathname.slice(1);
    const role = uniqueName('weir_role');
    const guide = readFileSync(new URL('../../docs/stores.md', import.meta.url), 'utf8');
    const [, grants = ''] = /### Roles and grants[\s\S]*?```sql\n([\s\S]*?)```/.exec(guide) ?? [];
    await owner.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC;
      CREATE ROLE ${role} LOGIN`);
    await owner.query(grants.replaceAll(/\bweir\b/g, role).replaceAll(/\bshop\b/g, name));
    url.username = role;

    const weir = await startWeir({
      WEIR_DATA_DATABASE_SOURCE: url.href,
      WEIR_DATA_DATABASE_MIGRATE: 'false',
      ...simulation,
    });
    await liveWholly(weir);
    expect(failuresOf(weir)).toEqual([]);
    expect(await weir.stop()).toBe(0);
    await owner.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });

  test('a role with the documented grants creates no schema and names the command', async () => {
    const url = await createEmptyPostgresDatabase();
    const { code, stderr } = await runWeir(['start'], {
      WEIR_DATA_DATABASE_SOURCE: url,
      WEIR_DATA_DATABASE_MIGRATE: 'false',
      WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0',
    });
    expect(code).toBe(1);
    expect(stderr).toContain('run `weir migrate`');
    expect(await listTables(await connect(url))).toEqual([]);
  });
});

test.each(['start', 'migrate', 'doctor'])(
  'a database from before version 0.1 is refused by %s and not changed',
  async (command) => {
    const url = await createEmptyPostgresDatabase();
    const client = await connect(url);
    await client.query(`CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL,
      applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW()); INSERT INTO schema_migrations VALUES (1, '0001_core'), (13, '0013_x')`);
    const { code, stdout, stderr } = await runWeir([command], {
      WEIR_DATA_DATABASE_SOURCE: url,
      WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0',
      WEIR_LOG_LEVEL: 'error',
    });
    expect(code).toBe(command === 'doctor' ? 5 : 1);
    expect(stdout + stderr).toContain('was set up by a Weir from before version 0.1');
    if (command !== 'doctor') expectOneSentence(stderr);
    expect(await listTables(client)).toEqual(['public.schema_migrations']);
  },
);

describe('a database that holds a table with the name of one of Weir', () => {
  const seedTable = `CREATE TABLE instance_logs (id BIGSERIAL PRIMARY KEY, product_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL, instance_id BIGINT NOT NULL UNIQUE, source VARCHAR(20) NOT NULL,
    source_id VARCHAR(64) NOT NULL, status VARCHAR(20) DEFAULT 'PROCESSING', created_at TIMESTAMP DEFAULT NOW(),
    updated_at TIMESTAMP DEFAULT NOW(), UNIQUE (source, source_id))`;

  test.each([
    ['instance_logs', 'start', seedTable],
    ['orders', 'migrate', 'CREATE TABLE orders (id BIGINT PRIMARY KEY)'],
    ['schema_migrations', 'migrate', 'CREATE TABLE schema_migrations (version VARCHAR PRIMARY KEY)'],
  ])('a foreign table %s is refused by %s and not changed', async (table, command, script) => {
    const url = await createEmptyPostgresDatabase();
    const client = await connect(url);
    await client.query(script);
    const { code, stderr } = await runWeir([command], {
      WEIR_DATA_DATABASE_SOURCE: url,
      WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0',
      WEIR_LOG_LEVEL: 'error',
    });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toContain(`a table ${table} that Weir did not create`);
    expect(stderr).toContain('data.database.schema');
    expect(await listTables(client)).toEqual([`public.${table}`]);
  });

  test('a foreign table is left alone by a Weir in a schema of its own', async () => {
    const url = await createEmptyPostgresDatabase();
    const client = await connect(url);
    await client.query(seedTable);
    const weir = await startWeir({
      WEIR_DATA_DATABASE_SOURCE: url,
      WEIR_DATA_DATABASE_SCHEMA: 'weir',
      ...simulation,
    });
    await liveWholly(weir);
    expect(failuresOf(weir)).toEqual([]);
    const outside = (await listTables(client)).filter((name) => !name.startsWith('weir.'));
    expect(outside).toEqual(['public.instance_logs']);
    // By hand, with the search_path of the shop: the previous version is kept all the same.
    await client.query("UPDATE weir.products SET name = 'GPU 2'");
    const { rows } = await client.query('SELECT version FROM weir.product_versions ORDER BY version');
    expect(rows).toEqual([{ version: 1 }, { version: 2 }]);
    expect(await weir.stop()).toBe(0);
  });
});
