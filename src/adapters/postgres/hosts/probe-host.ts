import pg from 'pg';
import { toClientConfig } from '../connection-options.ts';
import type { PostgresHost, SessionTarget } from './postgres-hosts.ts';

/** A host that has not answered within this time after a step counts as unreachable. */
export const probeTimeoutMs = 2_000;

export type HostRole = 'writable' | 'standby' | 'read-only';

export type Probe =
  | { host: PostgresHost; role: HostRole; error?: undefined }
  /** It was not reached, or refused the login. */
  | { host: PostgresHost; role?: undefined; error: Error };

/** Opens a session of its own and asks for the role of the server. Never rejects. */
export async function probeHost(host: PostgresHost, target: SessionTarget): Promise<Probe> {
  const client = createProbe(host);
  try {
    await client.connect();
    return { host, role: await readRole(client, target) };
  } catch (error) {
    return { host, error: error as Error };
  } finally {
    client.end().catch(() => {});
  }
}

/** @returns an unconnected client whose every step is limited to `probeTimeoutMs` */
export function createProbe({ options }: PostgresHost): pg.Client {
  const client = new pg.Client({
    ...toClientConfig(options),
    connectionTimeoutMillis: probeTimeoutMs,
    query_timeout: probeTimeoutMs,
    application_name: 'weir',
  } as pg.ClientConfig);
  // A connection that breaks later is noticed by its next query.
  client.on('error', () => {});
  return client;
}

export async function readRole(client: pg.Client, target: SessionTarget): Promise<HostRole> {
  const { rows } = await client.query<{ is_standby: boolean; is_read_only: boolean }>(
    `SELECT pg_is_in_recovery() AS is_standby, current_setting('default_transaction_read_only') = 'on' AS is_read_only`,
  );
  if (rows[0]?.is_standby) return 'standby';
  return target === 'read-write' && rows[0]?.is_read_only ? 'read-only' : 'writable';
}

/**
 * The timeline grows with each promotion, so of two servers that accept writes the older one is a former
 * primary that its cluster has replaced.
 *
 * @returns 0 when it cannot be read, as on servers that only speak PostgreSQL's protocol
 */
export async function readTimeline(host: PostgresHost): Promise<number> {
  const client = createProbe(host);
  try {
    await client.connect();
    const { rows } = await client.query<{ timeline: string }>(
      'SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline',
    );
    return Number.parseInt(rows[0]?.timeline ?? '0', 16);
  } catch {
    return 0;
  } finally {
    client.end().catch(() => {});
  }
}
