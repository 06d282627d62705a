import { listHosts, nameHost } from '../../../lib/list-hosts.ts';
import type { ConnectionOptions } from '../connection-options.ts';

/**
 * Which sessions are accepted, in libpq's words: `primary` is not in recovery, `read-write` also has
 * `default_transaction_read_only = off`.
 */
export type SessionTarget = 'read-write' | 'primary';

export interface PostgresHost {
  /** As written in the URL, for messages. */
  name: string;
  options: ConnectionOptions;
}

const parameter = 'target_session_attrs';
const urlAndQuery = /^([^?]*)\??(.*)$/s;

/** @returns one entry for each host of the URL, in its order */
export function listPostgresHosts(options: ConnectionOptions): PostgresHost[] {
  return listHosts(options.url).map((url) => ({
    name: nameHost(url),
    options: { ...options, url: withoutTarget(url) },
  }));
}

export function hasSeveralHosts({ url }: ConnectionOptions): boolean {
  return listHosts(url).length > 1;
}

/** The default is `read-write`, not libpq's `any`: Weir writes in every session. */
export function readSessionTarget({ url }: ConnectionOptions): SessionTarget {
  const [, , query] = urlAndQuery.exec(url) ?? [];
  return new URLSearchParams(query).get(parameter) === 'primary' ? 'primary' : 'read-write';
}

/** node-postgres does not know the parameter. */
function withoutTarget(url: string): string {
  const [, start = '', query = ''] = urlAndQuery.exec(url) ?? [];
  const others = query.split('&').filter((pair) => pair !== '' && !pair.startsWith(`${parameter}=`));
  return others.length > 0 ? `${start}?${others.join('&')}` : start;
}
