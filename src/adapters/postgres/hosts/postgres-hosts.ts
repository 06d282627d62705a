import { listHosts, nameHost } from '../../../lib/list-hosts.ts';
import type { ConnectionOptions } from '../connection-options.ts';

/**
 * Which sessions are accepted, in libpq's words: `primary` is not in recovery, `read-write` also has
 * `default_transaction_read_only = off`.
 */
export type SessionTarget = 'read-write' | 'primary';

export const sessionTargets: readonly SessionTarget[] = ['read-write', 'primary'];

export interface PostgresHost {
  /** As written in the URL, for messages. */
  name: string;
  options: ConnectionOptions;
}

const parameter = 'target_session_attrs';

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

/** The default where several hosts are given is the useful one: Weir writes in every session. */
export function readSessionTarget({ url }: ConnectionOptions): SessionTarget {
  const named = readTargetText(url);
  return sessionTargets.find((target) => target === named) ?? 'read-write';
}

/** The value in the URL; undefined where it has none. */
export function readTargetText(url: string): string | undefined {
  return new URLSearchParams(/\?(.*)$/s.exec(url)?.[1]).get(parameter) ?? undefined;
}

/** node-postgres does not know the parameter. */
function withoutTarget(url: string): string {
  const [start = '', query] = url.split('?', 2);
  const others = (query ?? '').split('&').filter((pair) => pair !== '' && !pair.startsWith(`${parameter}=`));
  return others.length > 0 ? `${start}?${others.join('&')}` : start;
}
