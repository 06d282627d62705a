import { userInfo } from 'node:os';
import { expect, test } from 'vitest';
import { runHere } from '../support/run-here.ts';
import {
  createEmptyPostgresDatabase,
  createPgliteFolder,
  createPostgresDatabase,
  createRedisDatabase,
} from '../support/stores.ts';
import { startWeir } from '../support/weir.ts';
import { query } from './cli-support.ts';

const columns =
  'actor, key_id, via, request_id, action, subject_kind || $1 || subject_id AS subject, before, after';
const readActivity = (url: string) => query(url, `SELECT ${columns} FROM activity ORDER BY id`, [' ']);

const byUser = { actor: userInfo().username, key_id: null, via: 'cli', request_id: null };

async function run(args: string[], env: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await runHere(args, env);
  expect(code, stderr).toBe(0);
  return stdout;
}

test('keys made and revoked in the database itself are on record under the local user', async () => {
  const url = await createPostgresDatabase();
  const env = { WEIR_DATA_DATABASE_SOURCE: url };
  const key = (await run(['keys', 'create', 'root', '--scope', 'admin'], env)).trim();
  await run(['keys', 'list'], env);
  await run(['keys', 'revoke', 'root'], env);
  await run(['keys', 'revoke', 'root'], env);
  expect((await runHere(['keys', 'revoke', 'nobody'], env)).code).toBe(4);
  const records = await readActivity(url);
  expect(records).toMatchObject([
    {
      ...byUser,
      action: 'KEY_CREATED',
      subject: 'key 1',
      before: null,
      after: { name: 'root', scope: 'admin' },
    },
    { ...byUser, action: 'KEY_REVOKED', subject: 'key 1', before: { revokedAt: null } },
  ]);
  expect(JSON.stringify(records)).not.toContain(key);
});

test('a migration and the demo catalogue leave records once, and a repeat leaves none', async () => {
  const url = await createEmptyPostgresDatabase();
  const env = {
    WEIR_DATA_DATABASE_SOURCE: url,
    WEIR_DATA_REDIS_ADDR: '127.0.0.1:9',
  };
  for (let times = 0; times < 2; times++) {
    await run(['migrate'], env);
    await run(['demo'], env);
  }
  const records = await readActivity(url);
  expect(records.map(({ action, subject }) => `${action} ${subject}`)).toEqual([
    'SCHEMA_MIGRATED schema public',
    'PRODUCT_CREATED product 1001',
    'PRODUCT_CREATED product 1002',
    'PRODUCT_CREATED product 1003',
    'ORDER_CREATED order 123',
  ]);
  for (const record of records) expect(record).toMatchObject(byUser);
});

test('an adopted store is on record with the address before and after', async () => {
  const url = await createPostgresDatabase();
  const redis = await createRedisDatabase();
  const env = { WEIR_DATA_DATABASE_SOURCE: url, WEIR_DATA_REDIS_ADDR: redis };
  await run(['stores', 'adopt', 'redis'], env);
  expect(await readActivity(url)).toMatchObject([
    { ...byUser, action: 'STORE_ADOPTED', subject: 'store REDIS', before: { address: null } },
  ]);
});

test('what Weir loads and pairs by itself when it starts is not on record', async () => {
  const folder = await createPgliteFolder();
  const weir = await startWeir({ WEIR_DATA_EMBEDDED_FOLDER: folder, WEIR_DEMO_ENABLED: 'true' });
  expect((await weir.request('GET', '/v1/products/1001')).status).toBe(200);
  expect((await weir.request('GET', '/v1/activity')).body).toEqual({ items: [], nextCursor: null });

  await weir.request('POST', '/v1/sales', { productId: '1001', stock: 5 });
  await weir.request('PATCH', '/v1/sales/1001', { action: 'pause' });
  await weir.request('PATCH', '/v1/sales/1001', { action: 'pause' });
  const url = ['--url', weir.url];
  const table = await run(['activity', ...url], {});
  expect(table.split('\n')[0]).toMatch(/^AT +ACTOR +VIA +ACTION +SUBJECT +CHANGE/);
  expect(table).toMatch(/operator +http +SALE_PAUSED +sale 1001 +isPaused: false → true/);
  expect(table.match(/SALE_/g)).toHaveLength(2);
  const listed = JSON.parse(await run(['activity', '--action', 'sale_opened', '--json', ...url], {}));
  expect(listed.items).toMatchObject([{ action: 'SALE_OPENED', after: { stock: 5 }, keyId: null }]);
  expect(await run(['activity', '--actor', 'nobody', ...url], {})).toBe('no activity\n');
  expect(await run(['activity', '--to', '2d', '--ndjson', ...url], {})).toBe('');
  expect((await runHere(['activity', '--subject', 'moon', ...url], {})).code).toBe(2);
});
