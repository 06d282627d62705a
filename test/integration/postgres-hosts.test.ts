import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { findFreePort } from '../../scripts/services/find.mjs';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { createEmptyPostgresDatabase, createPostgresDatabase, uniqueName } from '../support/stores.ts';
import { runWeir, startWeir } from '../support/weir.ts';

/** The same database behind two hosts, of which the first is down. */
async function withDeadHost(url: string): Promise<{ url: string; dead: string }> {
  const { host } = new URL(url);
  const dead = `127.0.0.1:${await findFreePort()}`;
  return { url: url.replace(host, `${dead},${host}`), dead };
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

test('a host that is down delays neither the start nor a command, and doctor names it', async () => {
  const { url, dead } = await withDeadHost(await createEmptyPostgresDatabase());
  const env = { WEIR_DATA_DATABASE_SOURCE: url };
  expect(await runWeir(['migrate'], env)).toMatchObject({ code: 0 });
  const weir = await startWeir(env);
  expect((await weir.request('GET', '/readyz')).status).toBe(200);
  const { stdout } = await runWeir(['doctor'], env);
  expect(stdout).toContain(`cannot use ${dead}: connect ECONNREFUSED`);
  expect(stdout).toMatch(/no standby can be reached: purchases stop when \S+ fails/);
});

test('a database that no host has yet is created at the host that accepts writes', async () => {
  const known = await createPostgresDatabase();
  const name = uniqueName('weir_created');
  const { url } = await withDeadHost(known.replace(/\/[^/]*$/, `/${name}`));
  const client = await connect(known);
  onTestFinished(async () => {
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
  expect(await runWeir(['migrate'], { WEIR_DATA_DATABASE_SOURCE: url })).toMatchObject({ code: 0 });
  const { rows } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
  expect(rows).toHaveLength(1);
});

test('a login that a host refuses fails the start in one sentence without the password', async () => {
  const { url } = await withDeadHost(await createPostgresDatabase());
  const source = url.replace(/:\/\/[^@]*@/, '://weir_stranger:sword%2Bfish@');
  const { code, stderr } = await runWeir(['start'], { WEIR_DATA_DATABASE_SOURCE: source });
  expect(code).not.toBe(0);
  expect(stderr).toContain('weir_stranger');
  expect(stderr).not.toMatch(/sword|%2B/);
});

test.each([
  ['read-write', 'is read-only by default_transaction_read_only'],
  ['primary', 'accepts writes'],
])('target_session_attrs=%s decides whether a read-only host is used', async (target, state) => {
  const known = await createPostgresDatabase();
  const client = await connect(known);
  const { rows } = await client.query('SELECT current_database() AS name');
  await client.query(`ALTER DATABASE ${rows[0].name} SET default_transaction_read_only = on`);
  const { url } = await withDeadHost(known);
  const env = { WEIR_DATA_DATABASE_SOURCE: `${url}?target_session_attrs=${target}` };
  expect((await runWeir(['doctor'], env)).stdout).toContain(state);
});

test('a query fails in one sentence that names every host while none accepts writes', async () => {
  const [first, second] = [await findFreePort(), await findFreePort()];
  const url = `postgres://postgres@127.0.0.1:${first},127.0.0.1:${second}/postgres`;
  const database = openPostgresServer({ url, maxConnections: 1, onConnectionError() {} });
  onTestFinished(() => database.close());
  const states = `127.0.0.1:${first}: connect ECONNREFUSED .*; 127.0.0.1:${second}: connect`;
  await expect(database.query('SELECT 1')).rejects.toThrow(
    new RegExp(`no host of PostgreSQL accepts writes: ${states}`),
  );
});
