import pg from 'pg';
import { toClientConfig } from '../connection-options.ts';
import type { PostgresHost, SessionTarget } from './postgres-hosts.ts';

/** A host that has not answered within this time after a step counts as unreachable. */
export const probeTimeoutMs = 2_000;

/**
 * The timeline grows with each promotion: of two servers that accept writes the older one is a former primary
 * that its cluster has replaced. 0: it cannot be read, as on servers that only speak PostgreSQL's protocol.
 */
export type HostState =
  | { host: PostgresHost; role: 'writable'; timeline: number; error?: undefined }
  | { host: PostgresHost; role: 'standby' | 'read-only'; error?: undefined }
  /** It was not reached, or refused the login. */
  | { host: PostgresHost; role?: undefined; error: Error };

/** Asks one host for its role, over a connection of its own that is kept while it works. */
export class HostProbe {
  readonly host: PostgresHost;
  readonly #target: SessionTarget;
  #client: pg.Client | undefined;

  constructor(host: PostgresHost, target: SessionTarget) {
    this.host = host;
    this.#target = target;
  }

  /** Never rejects. */
  async ask(): Promise<HostState> {
    const { host } = this;
    try {
      const client = this.#client ?? (await this.#connect());
      const role = await readRole(client, this.#target);
      return role === 'writable' ? { host, role, timeline: await readTimeline(client) } : { host, role };
    } catch (error) {
      this.close();
      return { host, error: error as Error };
    }
  }

  close(): void {
    this.#client?.end().catch(() => {});
    this.#client = undefined;
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      ...toClientConfig(this.host.options),
      connectionTimeoutMillis: probeTimeoutMs,
      query_timeout: probeTimeoutMs,
      application_name: 'weir',
    } as pg.ClientConfig);
    // A connection that breaks later is noticed by its next query.
    client.on('error', () => {});
    this.#client = client;
    await client.connect();
    return client;
  }
}

async function readRole(client: pg.Client, target: SessionTarget) {
  const { rows } = await client.query<{ is_standby: boolean; is_read_only: boolean }>(
    `SELECT pg_is_in_recovery() AS is_standby, current_setting('default_transaction_read_only') = 'on' AS is_read_only`,
  );
  if (rows[0]?.is_standby) return 'standby';
  return target === 'read-write' && rows[0]?.is_read_only ? 'read-only' : 'writable';
}

async function readTimeline(client: pg.Client): Promise<number> {
  try {
    const { rows } = await client.query<{ timeline: string }>(
      'SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline',
    );
    return Number.parseInt(rows[0]?.timeline ?? '0', 16);
  } catch {
    return 0;
  }
}
