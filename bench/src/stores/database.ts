import pg from 'pg';
import { type Bench, databasePrefix, product } from '../bench.ts';

/** A database of this run, dropped at the end. Weir and the peers connect to its address. */
export async function createDatabase(bench: Bench, purpose: string): Promise<string> {
  const name = `${databasePrefix}_${purpose}`;
  const admin = await connectTo(bench, bench.addresses.postgres);
  // FORCE: a backend of a program that was just stopped may still be shutting down.
  bench.cleanup.add(`database ${name}`, () => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(bench.addresses.postgres);
  url.pathname = `/${name}`;
  return url.toString();
}

export async function connectTo(bench: Bench, address: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: address, connectionTimeoutMillis: 5000 });
  client.on('error', () => {}); // the next query reports the error
  await client.connect();
  bench.cleanup.add('connection to PostgreSQL', () => client.end());
  return client;
}

export function insertProducts(client: pg.Client, productIds: readonly number[]): Promise<unknown> {
  const { name, cpus, memoryMb, gpu, image, priceCents } = product;
  return client.query(
    `INSERT INTO products (id, name, cpus, memory_mb, gpu, image, price_cents, enabled)
     SELECT id, $2, $3, $4, $5, $6, $7, true FROM unnest($1::bigint[]) AS id`,
    [productIds, name, cpus, memoryMb, gpu, image, priceCents],
  );
}

/**
 * Writes dirty pages of earlier measurements now, not during the next one. Without the right to do so the
 * server does it at any time, which only adds noise.
 */
export async function settleDatabase(client: pg.Client): Promise<void> {
  await client.query('CHECKPOINT').catch(() => {});
}

/** The end of the write-ahead log, in bytes from its beginning. */
export async function readWalBytes(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ bytes: string }>(
    "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS bytes",
  );
  return Number(rows[0]?.bytes);
}

/** PostgreSQL's clock, which created_at comes from. */
export async function readClockMs(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ ms: string }>(
    'SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms',
  );
  return Number(rows[0]?.ms);
}
