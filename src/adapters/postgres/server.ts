import pg from 'pg';
import type { Database, Sql, TransactionOptions } from '../../lib/sql.ts';
import { markStoreFailure } from '../../lib/store-failure.ts';
import { type ConnectionOptions, toClientConfig } from './connection-options.ts';
import { hasSeveralHosts } from './hosts/postgres-hosts.ts';
import { Primary } from './hosts/primary.ts';
import { KeptPlans } from './kept-plans.ts';
import { closesConnection, createStatementRunner, runScript, type StatementRunner } from './run-statement.ts';
import { toSequenceBehindError } from './serial-keys.ts';
import { sessionSettings } from './session-settings.ts';

export interface ServerOptions extends ConnectionOptions {
  maxConnections: number;
  /** Separate connections for `reads`; 0, the default, shares one pool. */
  readConnections?: number;
  /** Receives errors of connections, idle or in use; the next query opens another. */
  onConnectionError: (error: Error) => void;
  /** Called once when a pooler turns out to lose prepared statements. */
  onUnprepared?: () => void;
  /** Called when writes go to another host of the URL from now on. */
  onPrimaryMoved?: (from: string, to: string) => void;
  /** Called for each insert whose sequence issued a key that exists already. */
  onSequenceBehind?: (error: Error) => void;
}

/** A query fails when no connection is opened or becomes free within this time. */
const connectTimeoutMs = 5_000;
/** The server ends statements that outlive their caller; no statement of Weir takes this long. */
const statementTimeoutMs = 60_000;
/**
 * How long a caller waits for an answer before its connection is closed: a frozen or vanished host sends
 * none.
 */
const deadlineMs = 15_000;
const readDeadlineMs = 5_000;

// Dates are returned as Date and 64-bit integers as decimal strings; both are defaults of pg.
export function openPostgresServer(options: ServerOptions): Database {
  const runner = createStatementRunner(options.onUnprepared);
  const { onSequenceBehind, onPrimaryMoved = () => {}, readConnections = 0 } = options;
  const primary = hasSeveralHosts(options) ? new Primary(options, onPrimaryMoved) : undefined;
  const open = (max: number, statementTimeoutMs: number): Server => {
    const plans = new KeptPlans();
    const pool = openPool(options, max, statementTimeoutMs, primary, plans);
    const connect = primary ? () => primary.connect(pool) : () => pool.connect();
    return { connect, close: () => pool.end(), plans, runner, statementTimeoutMs, onSequenceBehind };
  };
  const main = open(options.maxConnections, statementTimeoutMs);
  const reads = readConnections === 0 ? undefined : open(readConnections, readDeadlineMs);
  return databaseOn(main, deadlineMs, reads, primary);
}

function openPool(
  options: ServerOptions,
  max: number,
  statementTimeoutMs: number,
  primary: Primary | undefined,
  plans: KeptPlans,
): pg.Pool {
  const pool = new pg.Pool({
    ...(primary ? { Client: primary.Client } : toClientConfig(options)),
    max,
    // A session switches its way of planning in the write of the statement that wants it (kept-plans.ts).
    pipeline: true,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'weir',
    // The pool waits for it: if it fails, the connection attempt fails.
    onConnect: async (client) => {
      const text = sessionSettings({ statementTimeoutMs, schema: options.schema });
      await client.query({ text, query_timeout: connectTimeoutMs } as pg.QueryConfig);
      await plans.allow(client);
    },
  });
  pool.on('error', options.onConnectionError);
  // The pool's own 'error' event does not cover clients that are checked out.
  pool.on('connect', (client) => client.on('error', options.onConnectionError));
  return pool;
}

interface Server {
  connect(): Promise<pg.PoolClient>;
  close(): Promise<void>;
  plans: KeptPlans;
  runner: StatementRunner;
  /** Session settings of the pool. */
  statementTimeoutMs: number;
  onSequenceBehind: ((error: Error) => void) | undefined;
}

function databaseOn(
  server: Server,
  deadlineMs: number,
  readServer: Server | undefined,
  primary: Primary | undefined,
): Database {
  const database: Database = {
    query(statement, values) {
      const keepsPlan = typeof statement !== 'string' && statement.keepsPlan === true;
      return withClient(server, keepsPlan, (client) =>
        server.runner(client, statement, values, { deadlineMs, mayRepeat: true }),
      );
    },
    runScript: (script) => withClient(server, false, (client) => runScript(client, script, deadlineMs)),
    transaction: (work, options) => runTransaction(server, work, { deadlineMs, ...options }),
    withDeadline: (ms) => databaseOn(server, ms, readServer, primary),
    reads: undefined as unknown as Database,
    close: async () => {
      primary?.close();
      await Promise.all([server.close(), readServer?.close()]);
    },
  };
  const reads = readServer ? databaseOn(readServer, readDeadlineMs, undefined, undefined) : database;
  return Object.assign(database, { reads });
}

/** Marks every failure on the way as the store's, so that no caller blames its rows or reports a bug. */
async function withClient<T>(
  server: Server,
  keepsPlan: boolean,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await server.connect().catch((error: unknown) => {
    throw markStoreFailure(error);
  });
  let broken: Error | undefined;
  try {
    return await inOneWrite(client, () => {
      server.plans.switch(client, keepsPlan);
      return work(client);
    });
  } catch (error) {
    if (closesConnection(error)) broken = error as Error;
    throw toStoreFailure(server, error);
  } finally {
    client.release(broken);
  }
}

async function runTransaction<T>(
  server: Server,
  work: (sql: Sql) => Promise<T>,
  options: TransactionOptions & { deadlineMs: number },
): Promise<T> {
  const { deadlineMs } = options;
  const client = await server.connect().catch((error: unknown) => {
    throw markStoreFailure(error);
  });
  let broken: Error | undefined;
  const guard = async <Result>(running: Promise<Result>): Promise<Result> => {
    try {
      return await running;
    } catch (error) {
      if (closesConnection(error)) broken = error as Error;
      throw toStoreFailure(server, error);
    }
  };
  const sql: Sql = {
    query: (statement, values) =>
      guard(server.runner(client, statement, values, { deadlineMs, mayRepeat: false })),
    runScript: (script) => guard(runScript(client, script, deadlineMs)),
  };
  const begin = () => {
    server.plans.switch(client, options.keepsPlans === true);
    return sql.runScript(beginWith(options, server.statementTimeoutMs));
  };
  try {
    await inOneWrite(client, begin);
    const result = await work(sql);
    await sql.runScript('COMMIT');
    return result;
  } catch (error) {
    // After an unanswered statement ROLLBACK would wait as well; closing the connection has the same
    // effect.
    if (!broken) await sql.runScript('ROLLBACK').catch(() => {});
    throw error;
  } finally {
    client.release(broken);
  }
}

/** What `send` sends synchronously leaves with one system call. */
function inOneWrite<T>({ connection }: pg.PoolClient, send: () => T): T {
  connection.stream.cork();
  try {
    return send();
  } finally {
    connection.stream.uncork();
  }
}

function toStoreFailure({ onSequenceBehind }: Server, error: unknown): unknown {
  const behind = toSequenceBehindError(error);
  if (behind) onSequenceBehind?.(behind);
  return markStoreFailure(behind ?? error);
}

/**
 * A deadline as long as the session's, or longer, is also set on the server: behind a pooler in transaction
 * mode the session may have the shorter one of `reads`.
 */
function beginWith(
  { asynchronousCommit, oneSnapshot, idleTimeoutMs, deadlineMs }: TransactionOptions & { deadlineMs: number },
  sessionTimeoutMs: number,
): string {
  const isLong = deadlineMs === 0 || deadlineMs >= sessionTimeoutMs;
  return [
    oneSnapshot ? 'BEGIN ISOLATION LEVEL REPEATABLE READ' : 'BEGIN',
    ...(asynchronousCommit ? ['SET LOCAL synchronous_commit = off'] : []),
    ...(idleTimeoutMs ? [`SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(idleTimeoutMs)}`] : []),
    ...(isLong ? [`SET LOCAL statement_timeout = ${deadlineMs}`] : []),
  ].join('; ');
}
