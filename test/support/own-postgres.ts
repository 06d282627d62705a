import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { askPostgres } from '../../scripts/services/ask.mjs';
import { findFreePort } from '../../scripts/services/find.mjs';
import { type Launch, preparePostgres, preparePostgresStandby } from '../../scripts/services/prepare.mjs';
import { createFolder, type OwnServer, startOwnServer } from './own-server.ts';
import { pollUntil } from './poll-until.ts';

export interface OwnPostgresOptions {
  /** Default true, as in production. */
  fsync?: boolean;
  /** Settings as in postgresql.conf; ALTER SYSTEM cannot override them. */
  settings?: Record<string, string>;
}

/** The user is `postgres`, the database `postgres`, without a password. stop() is the fast shutdown. */
export async function startOwnPostgres(options: OwnPostgresOptions = {}): Promise<OwnServer> {
  const folder = createFolder('postgres');
  const port = await findFreePort();
  return startPrepared(folder, port, await preparePostgres({ folder, port, settings: settingsOf(options) }));
}

/** A standby of `primary`; every commit of the primary waits for it from here on. `promotePostgres` promotes it. */
export async function startSynchronousStandby(
  primary: OwnServer,
  options: OwnPostgresOptions = {},
): Promise<OwnServer> {
  const folder = createFolder('postgres-standby');
  const port = await findFreePort();
  const settings = settingsOf(options);
  const launch = await preparePostgresStandby({ folder, port, primaryPort: primary.port, settings });
  const standby = await startPrepared(folder, port, launch);
  // After the copy, so that the promoted standby does not wait for one of its own.
  await runSql(primary.url, "ALTER SYSTEM SET synchronous_standby_names = '*'", 'SELECT pg_reload_conf()');
  await pollUntil('the standby should be synchronous', 10_000, async () => {
    const [row] = await runSql(primary.url, "SELECT FROM pg_stat_replication WHERE sync_state = 'sync'");
    if (!row) throw new Error('no synchronous standby is connected');
  });
  return standby;
}

/** From here on the commits of the primary wait for no standby. */
export async function makeAsynchronous(primary: OwnServer): Promise<void> {
  await runSql(primary.url, 'ALTER SYSTEM RESET synchronous_standby_names', 'SELECT pg_reload_conf()');
}

/** Resolves when the server accepts writes. */
export async function promotePostgres(standby: OwnServer): Promise<void> {
  await runSql(standby.url, 'SELECT pg_promote(true)');
}

function settingsOf(options: OwnPostgresOptions): Record<string, string> {
  return { fsync: options.fsync === false ? 'off' : 'on', ...options.settings };
}

function startPrepared(folder: string, port: number, launch: Launch): Promise<OwnServer> {
  const release = () => removeSharedMemory(join(folder, 'data'));
  return startOwnServer({
    title: 'PostgreSQL',
    folder,
    port,
    launch,
    ask: askPostgres,
    stopSignal: 'SIGINT',
    release,
  });
}

/** @returns the rows of the last statement */
async function runSql(url: string, ...statements: string[]): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}

/**
 * A killed postmaster leaves a System V segment that only its next start would remove; the kernel allows
 * 4096.
 */
export function removeSharedMemory(dataFolder: string): Promise<void> {
  const segment = readSegmentId(join(dataFolder, 'postmaster.pid'));
  if (!segment) return Promise.resolve();
  return new Promise((resolve) => execFile('ipcrm', ['-m', segment], () => resolve()));
}

/** Line 7 of postmaster.pid: key and id of the segment. */
function readSegmentId(pidFile: string): string | undefined {
  try {
    return readFileSync(pidFile, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1];
  } catch {
    return undefined;
  }
}
