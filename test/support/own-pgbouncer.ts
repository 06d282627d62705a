import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askPostgres } from '../../scripts/services/ask.mjs';
import { findFreePort } from '../../scripts/services/find.mjs';
import { findPgbouncer } from '../../scripts/services/pgbouncer.mjs';
import { mayMiss } from '../../scripts/services/unpack.mjs';
import { createFolder, type OwnServer, startOwnServer } from './own-server.ts';
import { postgresUrl } from './stores.ts';

export interface PgbouncerOptions {
  mode: 'session' | 'transaction' | 'statement';
  /** The user it logs in as; default the user of the test server. */
  user?: string;
  /** Server connections for each database; default 20. */
  poolSize?: number;
  /** Default 200, as in 1.21 and newer; 0: it loses prepared statements, as every older version does. */
  preparedStatements?: number;
}

/**
 * For `describe.skipIf` and `test.skipIf`: true only when it is missing and WEIR_TEST_ALLOW_MISSING permits
 * that.
 */
export function lacksPgbouncer(): boolean {
  return findPgbouncer() === undefined && mayMiss('pgbouncer');
}

/** PgBouncer in front of every database of the test server. */
export async function startOwnPgbouncer(options: PgbouncerOptions): Promise<OwnServer> {
  const program = findPgbouncer();
  if (!program) throw new Error('cannot find PgBouncer: run `npm run services`, which unpacks it');
  const folder = createFolder('pgbouncer');
  chmodSync(folder, 0o755);
  const port = await findFreePort();
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(file, `${configure(options, port).join('\n')}\n`);
  const launch = {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    program,
    args: [file],
    options: { cwd: folder, env: process.env },
  };
  return startOwnServer({
    title: 'PgBouncer',
    folder,
    port,
    launch,
    ask: askPostgres,
    // SIGTERM closes every connection immediately; SIGINT waits for their transactions.
    stopSignal: 'SIGTERM',
  });
}

/** The URL of this database through the pooler. */
export function throughPooler(pooler: OwnServer, databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${pooler.port}`;
  return url.href;
}

function configure(options: PgbouncerOptions, port: number): string[] {
  const { mode, poolSize = 20, preparedStatements = 200 } = options;
  const server = new URL(postgresUrl());
  const user = options.user ?? (server.username || 'postgres');
  const password = server.password && `password='${decodeURIComponent(server.password)}'`;
  return [
    '[databases]',
    `* = host=${server.hostname} port=${server.port || 5432} user=${user} ${password}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    `pool_mode = ${mode}`,
    `default_pool_size = ${poolSize}`,
    `max_prepared_statements = ${preparedStatements}`,
    // PgBouncer refuses to run as root.
    ...(process.getuid?.() === 0 ? ['user = nobody'] : []),
  ];
}
