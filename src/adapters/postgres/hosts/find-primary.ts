import type { ConnectionOptions } from '../connection-options.ts';
import { isUnavailable } from '../transient.ts';
import { HostProbe, type HostState } from './host-probe.ts';
import { listPostgresHosts, type PostgresHost, readSessionTarget } from './postgres-hosts.ts';

export interface FoundPrimary {
  host: PostgresHost;
  timeline: number;
}

/** No host accepts writes at present, as during a failover. */
export class NoPrimaryError extends Error {
  /** The SQLSTATE of a server that is starting: a start of Weir waits for it. */
  readonly code = '57P03';

  constructor(states: readonly HostState[]) {
    const shown = states.map(({ host, role, error }) => `${host.name}: ${describe(role, error)}`);
    super(`no host of PostgreSQL accepts writes: ${shown.join('; ')}`);
    this.name = 'NoPrimaryError';
  }
}

/** `writable` here is a former primary, whose timeline is older than the known one. */
function describe(role: HostState['role'], error: Error | undefined): string {
  return role === 'writable' ? 'former primary' : (role ?? String(error?.message));
}

/** @returns the options of the host that accepts writes; the only host is not asked */
export async function choosePrimary(options: ConnectionOptions): Promise<ConnectionOptions> {
  const hosts = listPostgresHosts(options);
  const [only] = hosts;
  if (only && hosts.length === 1) return only.options;
  const target = readSessionTarget(options);
  const probes = hosts.map((host) => new HostProbe(host, target));
  try {
    return (await findPrimary(probes)).host.options;
  } finally {
    for (const probe of probes) probe.close();
  }
}

/**
 * Asks all hosts at once for the one that accepts writes, and has the latest timeline where several do. A
 * promoted host is returned as soon as it answers. Otherwise every host has to answer or to fail, because a
 * former primary may be the fastest.
 *
 * @param known the primary so far; an older timeline than its own is never returned
 * @throws NoPrimaryError, or the error of a host that refused the login: waiting does not cure that
 */
export function findPrimary(probes: readonly HostProbe[], known?: FoundPrimary): Promise<FoundPrimary> {
  return new Promise((resolve, reject) => {
    const ask = async (probe: HostProbe) => {
      const state = await probe.ask();
      if (known && state.role === 'writable' && state.timeline > known.timeline) resolve(state);
      return state;
    };
    Promise.all(probes.map(ask))
      .then((states) => resolve(pickPrimary(states, known)))
      .catch(reject);
  });
}

function pickPrimary(states: readonly HostState[], known: FoundPrimary | undefined): FoundPrimary {
  const writable = states.filter((state) => state.role === 'writable');
  const latest = Math.max(known?.timeline ?? 0, ...writable.map(({ timeline }) => timeline));
  const candidates = writable.filter(({ timeline }) => timeline === latest);
  const primary = candidates.find(({ host }) => host === known?.host) ?? candidates[0];
  if (primary) return primary;
  const refused = states.find(({ error }) => error && !isUnavailable(error));
  throw refused?.error ?? findMissingDatabase(states) ?? new NoPrimaryError(states);
}

/** A new server has it on no host; the caller may create it. */
function findMissingDatabase(states: readonly HostState[]): Error | undefined {
  return states.map(({ error }) => error).find((error) => error && 'code' in error && error.code === '3D000');
}
