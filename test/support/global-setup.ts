import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { embeddedMigrations } from '../../src/adapters/embedded/migrations.ts';
import { openPglite } from '../../src/adapters/embedded/pglite.ts';
import { migrate, ownMigrations } from '../../src/adapters/postgres/migrate.ts';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { startOwnPostgres } from './own-postgres.ts';
import { startOwnRedis } from './own-redis.ts';
import type { OwnServer } from './own-server.ts';
import { makeRunFolder } from './run-folder.ts';
import { postgresUrl, templateName } from './stores.ts';

/** The run's own PostgreSQL and Redis, unless others are named, and a migrated database of each kind to copy for each test. */
export default async function setUp(): Promise<() => Promise<void>> {
  if (!existsSync(fileURLToPath(new URL('../../dist/main.js', import.meta.url)))) {
    throw new Error('dist/ is missing: run `npm test`, or `npm run build` before vitest');
  }
  // A run inside a run (test/seeded-bugs) uses its parent's servers and databases.
  if (process.env.WEIR_TEST_TEMPLATE) return async () => {};
  const runFolder = makeRunFolder();
  const servers = await startServers();

  process.env.WEIR_TEST_TEMPLATE = `weir_test_template_${process.pid}`;
  const name = templateName();
  await onServer(`DROP DATABASE IF EXISTS ${name}`, `CREATE DATABASE ${name}`);
  const database = openPostgresServer({ url: postgresUrl(name), maxConnections: 2, onConnectionError() {} });
  await migrate(database, [ownMigrations, embeddedMigrations]);
  await database.close();

  const template = join(runFolder, 'embedded-template');
  process.env.WEIR_TEST_PGLITE_TEMPLATE = template;
  const pglite = await openPglite(template);
  await migrate(pglite, [ownMigrations, embeddedMigrations]);
  await pglite.close();
  return async () => {
    await onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    for (const server of servers) await server.dispose();
    await rm(runFolder, { recursive: true, force: true });
  };
}

/** Enough databases that no two tests of a run share one. */
const redisDatabases = 8_192;

async function startServers(): Promise<OwnServer[]> {
  const servers: OwnServer[] = [];
  if (!process.env.WEIR_TEST_POSTGRES) {
    const settings = { max_connections: '300', max_wal_size: '512MB' };
    const postgres = await startOwnPostgres({ settings });
    process.env.WEIR_TEST_POSTGRES = postgres.url;
    servers.push(postgres);
  }
  if (!process.env.WEIR_TEST_REDIS) {
    const config = { databases: String(redisDatabases) };
    const redis = await startOwnRedis({ appendonly: false, config });
    process.env.WEIR_TEST_REDIS = redis.url;
    servers.push(redis);
  }
  return servers;
}

async function onServer(...statements: string[]): Promise<void> {
  const client = new pg.Client(postgresUrl());
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}
