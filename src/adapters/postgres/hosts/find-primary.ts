import { pause } from '../../../lib/backoff.ts';
import { createDeferred } from '../../../lib/deferred.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { isUnavailable } from '../transient.ts';
import {
  listPostgresHosts,
  type PostgresHost,
  readSessionTarget,
  type SessionTarget,
} from './postgres-hosts.ts';
import { type Probe, probeHost, readTimeline } from './probe-host.ts';

/** How long after one host a second one that accepts writes may answer. */
const secondAnswerMs = 200;

/** None of the hosts accepts writes at present, as during a failover. */
export class NoPrimaryError extends Error {
  /** As of a server that is starting: a start waits. */
  readonly code = '57P03';

  constructor(probes: readonly Probe[]) {
    const states = probes.map(({ host, role, error }) => `${host.name}: ${role ?? error?.message}`);
    super(`no host of PostgreSQL accepts writes: ${states.join('; ')}`);
    this.name = 'NoPrimaryError';
  }
}

/** @returns the options of the host that accepts writes; the only host is not asked */
export async function choosePrimary(options: ConnectionOptions): Promise<ConnectionOptions> {
  const hosts = listPostgresHosts(options);
  const [only] = hosts;
  if (only && hosts.length === 1) return only.options;
  return (await findPrimary(hosts, readSessionTarget(options))).options;
}

/**
 * Asks all hosts at once. A frozen host delays the answer only while no other one accepts writes.
 *
 * @throws NoPrimaryError, or the error of a host that refused the login: waiting does not cure that
 */
export async function findPrimary(
  hosts: readonly PostgresHost[],
  target: SessionTarget,
): Promise<PostgresHost> {
  const writable: PostgresHost[] = [];
  const first = createDeferred<void>();
  const ask = async (host: PostgresHost) => {
    const probe = await probeHost(host, target);
    if (probe.role === 'writable') {
      writable.push(host);
      first.resolve();
    }
    return probe;
  };
  const all = Promise.all(hosts.map(ask));
  await Promise.race([all, first.promise.then(() => pause(secondAnswerMs))]);
  const [primary, ...others] = writable;
  if (primary) return others.length === 0 ? primary : findNewest(writable);
  const probes = await all;
  const refused = probes.find(({ error }) => error && !isUnavailable(error));
  throw refused?.error ?? findMissingDatabase(probes) ?? new NoPrimaryError(probes);
}

/** A new server has it on no host; the caller may create it. */
function findMissingDatabase(probes: readonly Probe[]): Error | undefined {
  return probes.map(({ error }) => error).find((error) => error && 'code' in error && error.code === '3D000');
}

async function findNewest(hosts: readonly PostgresHost[]): Promise<PostgresHost> {
  const timelines = await Promise.all(hosts.map(readTimeline));
  const newest = timelines.indexOf(Math.max(...timelines));
  return hosts[newest] as PostgresHost;
}
