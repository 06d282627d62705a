import pg from 'pg';
import { type ConnectionOptions, toClientConfig } from './connection-options.ts';
import { choosePrimary, NoPrimaryError } from './hosts/find-primary.ts';
import { databaseDoesNotExist } from './sqlstates.ts';

const connectTimeoutMs = 5_000;

/** Creates the database that the URL names when the server does not have it, like `createdb`. */
export async function createDatabaseIfMissing(options: ConnectionOptions): Promise<void> {
  try {
    await withClient(options, async () => {});
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === databaseDoesNotExist)) throw error;
    await createDatabase(options);
  }
}

/** Another replica was faster: 42P04, or 23505 when both created it at the same moment. */
const alreadyThere = new Set(['42P04', '23505']);

async function createDatabase(options: ConnectionOptions): Promise<void> {
  const name = decodeURIComponent(pathOf(options.url));
  try {
    await withClient({ ...options, url: withPath(options.url, 'postgres') }, (client) =>
      client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`),
    );
  } catch (error) {
    if (error instanceof NoPrimaryError) throw error;
    if (error instanceof pg.DatabaseError && alreadyThere.has(error.code ?? '')) return;
    throw new Error(`database ${name} does not exist and cannot be created: run createdb ${name}`, {
      cause: error,
    });
  }
}

async function withClient(
  options: ConnectionOptions,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = createClient(await choosePrimary(options));
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** URL cannot hold several hosts. */
const urlParts = /^([a-z]+:\/\/[^/?#]*)(?:\/([^?#]*))?(.*)$/is;

function pathOf(url: string): string {
  return urlParts.exec(url)?.[2] ?? '';
}

function withPath(url: string, path: string): string {
  return url.replace(urlParts, (_, start: string, _path: string, rest: string) => `${start}/${path}${rest}`);
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
