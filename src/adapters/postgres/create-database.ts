import pg from 'pg';
import { type ConnectionOptions, toClientConfig } from './connection-options.ts';

const connectTimeoutMs = 5_000;

/** Creates the database that the URL names when the server does not have it, like `createdb`. */
export async function createDatabaseIfMissing(options: ConnectionOptions): Promise<void> {
  const name = decodeURIComponent(new URL(options.url).pathname.slice(1));
  const client = createClient(options);
  try {
    await client.connect();
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === databaseDoesNotExist)) throw error;
    await createDatabase(options, name);
  } finally {
    await client.end().catch(() => {});
  }
}

const databaseDoesNotExist = '3D000';
/** Another replica was faster: 42P04, or 23505 when both created it at the same moment. */
const alreadyThere = new Set(['42P04', '23505']);

async function createDatabase(options: ConnectionOptions, name: string): Promise<void> {
  const maintenance = new URL(options.url);
  maintenance.pathname = '/postgres';
  const client = createClient({ ...options, url: maintenance.href });
  try {
    await client.connect();
    await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } catch (error) {
    if (error instanceof pg.DatabaseError && alreadyThere.has(error.code ?? '')) return;
    throw new Error(`database ${name} does not exist and cannot be created: run createdb ${name}`, {
      cause: error,
    });
  } finally {
    await client.end().catch(() => {});
  }
}

function createClient(options: ConnectionOptions): pg.Client {
  const client = new pg.Client({
    ...toClientConfig(options),
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: 60_000,
  } as pg.ClientConfig);
  // A connection that breaks later is reported by its running query.
  client.on('error', () => {});
  return client;
}
