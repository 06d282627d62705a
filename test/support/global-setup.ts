import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { embeddedMigrations } from '../../src/adapters/embedded/migrations.ts';
import { openPglite } from '../../src/adapters/embedded/pglite.ts';
import { migrate, ownMigrations } from '../../src/adapters/postgres/migrate.ts';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { startOwnRedis } from './own-redis.ts';
import { postgresUrl, redisDatabases, templateName } from './stores.ts';

/** A Redis of the run's own, and a migrated database of each kind to copy for each test; all removed when the run ends. */
export default async function setUp(): Promise<() => Promise<void>> {
  if (!existsSync(fileURLToPath(new URL('../../dist/main.js', import.meta.url)))) {
    throw new Error('dist/ is missing: run `npm test`, or `npm run build` before vitest');
  }
  // A run inside a run (test/seeded-bugs) uses what its parent has made.
  if (process.env.WEIR_TEST_TEMPLATE) return async () => {};
  const redis = await startOwnRedis({ appendonly: false, config: { databases: String(redisDatabases) } });
  process.env.WEIR_TEST_RUN_REDIS = redis.url;

  process.env.WEIR_TEST_TEMPLATE = `weir_test_template_${process.pid}`;
  const name = templateName();
  await onServer(`DROP DATABASE IF EXISTS ${name}`, `CREATE DATABASE ${name}`);
  const database = openPostgresServer({ url: postgresUrl(name), maxConnections: 2, onConnectionError() {} });
  await migrate(database, [ownMigrations, embeddedMigrations]);
  await database.close();

  const folder = await mkdtemp(join(tmpdir(), 'weir-test-template-'));
  const template = join(folder, 'template');
  process.env.WEIR_TEST_PGLITE_TEMPLATE = template;
  const pglite = await openPglite(template);
  await migrate(pglite, [ownMigrations, embeddedMigrations]);
  await pglite.close();
  return async () => {
    await redis.dispose();
    await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await rm(folder, { recursive: true, force: true });
  };
}

async function onServer(...statements: string[]): Promise<void> {
  const client = new pg.Client(postgresUrl());
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}
