import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askPostgres } from '../../scripts/services/ask.mjs';
import { findFreePort } from '../../scripts/services/find.mjs';
import { preparePostgres } from '../../scripts/services/prepare.mjs';
import { createFolder, type OwnServer, startOwnServer } from './own-server.ts';

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
  const settings = { fsync: options.fsync === false ? 'off' : 'on', ...options.settings };
  const launch = await preparePostgres({ folder, port, settings });
  const release = () => removeSharedMemory(join(folder, 'data', 'postmaster.pid'));
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

/**
 * A killed postmaster leaves a System V segment that only its next start would remove; the kernel allows
 * 4096.
 */
function removeSharedMemory(pidFile: string): Promise<void> {
  const segment = readSegmentId(pidFile);
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
