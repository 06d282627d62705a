import type { Facts, RedisFinding } from './diagnose-redis.ts';

const nearlyFull = 0.8;
const leastTimeoutSeconds = 300;
const leastOutputBytes = 32 * 1024 * 1024;

/** Limits of this Redis that a sale can reach. */
export function diagnoseLimits(info: Facts, settings: Facts | undefined): RedisFinding[] {
  return [
    ...diagnoseMemory(info, settings),
    ...diagnoseReplicas(info, settings),
    ...diagnoseClients(info, settings),
    ...diagnoseConnections(settings),
  ];
}

/**
 * INFO contains the memory limits even where CONFIG is forbidden. No key of Weir has a TTL, so `volatile-*`
 * policies evict none.
 */
function diagnoseMemory(info: Facts, settings: Facts | undefined): RedisFinding[] {
  const findings: RedisFinding[] = [];
  const read = (name: string) => Number(info.get(name) ?? 0);
  const limit = Number(settings?.get('maxmemory') ?? read('maxmemory'));
  const policy = settings?.get('maxmemory-policy') ?? info.get('maxmemory_policy') ?? '';
  if (limit > 0 && policy.startsWith('allkeys')) {
    const what = `maxmemory-policy = ${policy}: full memory deletes streams with winners on them`;
    findings.push({ level: 'problem', what, advice: 'set maxmemory-policy noeviction' });
  }
  const room = limit > 0 ? limit : read('total_system_memory');
  const used = limit > 0 ? read('used_memory') : read('used_memory_rss');
  if (room > 0 && used > room * nearlyFull) {
    const of = limit > 0 ? 'maxmemory' : 'the memory of the machine';
    const what = `${Math.round((used / room) * 100)} % of ${of} is used: at 100 % nothing is sold`;
    findings.push({ level: 'warning', what, advice: 'give Redis more memory, or remove old keys' });
  }
  return findings;
}

function diagnoseReplicas(info: Facts, settings: Facts | undefined): RedisFinding[] {
  const needed = Number(settings?.get('min-replicas-to-write') ?? 0);
  const present = Number(info.get('min_slaves_good_slaves') ?? info.get('connected_slaves') ?? 0);
  if (needed === 0 || present !== needed) return [];
  const what = `min-replicas-to-write = ${needed}, and there are ${present}: without one of them nothing is sold`;
  return [{ level: 'warning', what, advice: 'add a replica before the sale' }];
}

function diagnoseClients(info: Facts, settings: Facts | undefined): RedisFinding[] {
  const most = Number(settings?.get('maxclients') ?? info.get('maxclients') ?? 0);
  const present = Number(info.get('connected_clients') ?? 0);
  if (most === 0 || present <= most * nearlyFull) return [];
  const what = `${present} of maxclients = ${most} connections are in use`;
  return [
    { level: 'warning', what, advice: 'raise maxclients: a process of Weir uses up to six connections' },
  ];
}

function diagnoseConnections(settings: Facts | undefined): RedisFinding[] {
  const findings: RedisFinding[] = [];
  const timeout = Number(settings?.get('timeout') ?? 0);
  if (timeout > 0 && timeout < leastTimeoutSeconds) {
    const what = `timeout = ${timeout}: closes connections that wait for the next purchase`;
    findings.push({ level: 'warning', what, advice: `set timeout 0, or at least ${leastTimeoutSeconds}` });
  }
  const [, hard = '0'] = /normal (\d+)/.exec(settings?.get('client-output-buffer-limit') ?? '') ?? [];
  if (Number(hard) > 0 && Number(hard) < leastOutputBytes) {
    const what = `client-output-buffer-limit normal ${hard}: a large batch of winners closes the connection`;
    findings.push({ level: 'warning', what, advice: 'set client-output-buffer-limit "normal 0 0 0"' });
  }
  return findings;
}
