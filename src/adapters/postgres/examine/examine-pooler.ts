import pg from 'pg';
import type { Finding } from '../../../lib/finding.ts';
import { type ConnectionOptions, toClientConfig } from '../connection-options.ts';
import { ok, warning } from './finding.ts';

const timeoutMs = 5_000;

/**
 * A pooler reports a process id of its own to clients. In transaction mode a second client is given the server connection that
 * a first one has just left, and in session mode never.
 */
export async function examinePooler(options: ConnectionOptions): Promise<Finding[]> {
  const first = createClient(options);
  const second = createClient(options);
  try {
    await first.connect();
    const pid = await readPid(first);
    if (pid === (first as pg.Client & { processID: number }).processID) return [];
    await second.connect();
    const isShared = (await readPid(second)) === pid;
    if (!isShared) return [ok('a pooler stands between, in session mode')];
    return [
      warning(
        'a pooler stands between, in transaction mode: it loses the settings of sessions and, before PgBouncer 1.21, ' +
          'prepared statements',
        'use session mode, or give the settings to the role (docs/stores.md, Poolers)',
      ),
    ];
  } finally {
    await Promise.all([first.end(), second.end()].map((ending) => ending.catch(() => {})));
  }
}

function createClient(options: ConnectionOptions): pg.Client {
  const config = { ...toClientConfig(options), connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs };
  const client = new pg.Client(config as pg.ClientConfig);
  client.on('error', () => {});
  return client;
}

async function readPid(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}
