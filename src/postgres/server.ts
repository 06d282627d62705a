import pg from 'pg';
import type { Database, Sql, Statement, TransactionOptions } from '../lib/sql.ts';

export interface ServerOptions {
  url: string;
  maxConnections: number;
  /** Hears of connections that broke while idle or in use; the next query opens another. */
  onConnectionError: (error: Error) => void;
}

// Dates come out as Date and 64-bit integers as decimal strings by pg's own defaults.
export function openPostgresServer({ url, maxConnections, onConnectionError }: ServerOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'weir',
    // A half-open connection answers nothing for ever; no statement of ours takes this long.
    query_timeout: 60_000,
    // Waited for: when it fails, connecting has failed.
    onConnect: (client) => client.query(sessionSettings),
  });
  pool.on('error', onConnectionError);
  // The pool's own 'error' event does not cover clients that are checked out.
  pool.on('connect', (client) => client.on('error', onConnectionError));

  return {
    singleSession: false,
    ...sqlOn(pool),
    transaction: (work, options) => transactionOn(pool, work, options),
    close: () => pool.end(),
  };
}

/**
 * The client's own timeout ends nothing on the server, and a host that vanished would keep its row locks for two hours.
 * Plans are made for each call: one that was made while a table was small reads all of it later, for 500 rows of settling
 * 2 s instead of 15 ms at 60,000 rows. Compiling a plan takes up to 300 ms and saves nothing on statements as short as ours.
 */
const sessionSettings = `SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s';
  SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;
  SET plan_cache_mode = force_custom_plan; SET jit = off`;

function sqlOn(on: pg.Pool | pg.PoolClient): Sql {
  return {
    query: (statement, values) => runOn(on, statement, values),
    runScript: async (script) => {
      await on.query(script);
    },
  };
}

async function runOn<Row>(
  on: pg.Pool | pg.PoolClient,
  statement: Statement | string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  const config = typeof statement === 'string' ? { text: statement } : statement;
  const result = await on.query({ ...config, values: [...values] } as pg.QueryConfig);
  return result.rows as Row[];
}

async function transactionOn<T>(
  pool: pg.Pool,
  work: (sql: Sql) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query(beginWith(options));
    const result = await work(sqlOn(client));
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // When even ROLLBACK fails the connection is of no more use, and its locks go with it.
    await client.query('ROLLBACK').catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

function beginWith({ asynchronousCommit, oneSnapshot, idleTimeoutMs }: TransactionOptions): string {
  return [
    oneSnapshot ? 'BEGIN ISOLATION LEVEL REPEATABLE READ' : 'BEGIN',
    ...(asynchronousCommit ? ['SET LOCAL synchronous_commit = off'] : []),
    ...(idleTimeoutMs ? [`SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(idleTimeoutMs)}`] : []),
  ].join('; ');
}

/** Makes the database that the URL names where the server has none, as `createdb` would. */
export async function createDatabaseIfMissing(url: string): Promise<void> {
  const name = decodeURIComponent(new URL(url).pathname.slice(1));
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
  } catch (error) {
    if (!(error instanceof pg.DatabaseError && error.code === databaseDoesNotExist)) throw error;
    await createDatabase(url, name);
  } finally {
    await client.end().catch(() => {});
  }
}

const databaseDoesNotExist = '3D000';
/** Another replica was faster: 42P04, or 23505 when both were at it in the same moment. */
const alreadyThere = new Set(['42P04', '23505']);

async function createDatabase(url: string, name: string): Promise<void> {
  const maintenance = new URL(url);
  maintenance.pathname = '/postgres';
  const client = new pg.Client({ connectionString: maintenance.href, connectionTimeoutMillis: 5_000 });
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
