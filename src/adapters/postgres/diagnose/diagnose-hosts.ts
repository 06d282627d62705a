import type { Finding } from '../../../lib/finding.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { HostProbe, type HostState } from '../hosts/host-probe.ts';
import { listPostgresHosts, readSessionTarget } from '../hosts/postgres-hosts.ts';
import { explainFailure } from './explain-failure.ts';
import { ok, problem, warning } from './finding.ts';

/** The role of each host of the URL, where it has several. */
export async function diagnoseHosts(options: ConnectionOptions): Promise<Finding[]> {
  const hosts = listPostgresHosts(options);
  if (hosts.length === 1) return [];
  const target = readSessionTarget(options);
  const probes = hosts.map((host) => new HostProbe(host, target));
  const states = await Promise.all(probes.map((probe) => probe.ask()));
  for (const probe of probes) probe.close();
  const names = (role: HostState['role']) =>
    states.filter((state) => state.role === role).map(({ host }) => host.name);
  const writable = names('writable');
  const findings = states.map(describeState);
  if (writable.length > 1) {
    const what = `${writable.join(' and ')} accept writes: all but one are former primaries`;
    findings.push(problem(what, 'stop the former primary; Weir uses the host of the latest timeline'));
  }
  if (writable.length === 1 && names('standby').length === 0) {
    const what = `no standby can be reached: purchases stop when ${writable[0]} fails`;
    findings.push(warning(what, 'start a synchronous standby (docs/stores.md, Failover of PostgreSQL)'));
  }
  return findings;
}

function describeState({ host: { name }, role, error }: HostState): Finding {
  if (error) return warning(`cannot use ${name}: ${error.message}`, explainFailure(error, true).advice);
  if (role === 'writable') return ok(`${name} accepts writes`);
  if (role === 'standby') return ok(`${name} is a standby`);
  const advice = 'unset default_transaction_read_only, or use target_session_attrs=primary';
  return warning(`${name} is read-only by default_transaction_read_only`, advice);
}
