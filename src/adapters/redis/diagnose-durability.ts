import type { Acknowledge } from './connections.ts';
import type { Facts, RedisFinding } from './diagnose-redis.ts';

/** Settings and states under which Redis loses winners, or stops accepting them. */
export function diagnoseDurability(
  info: Facts,
  settings: Facts | undefined,
  acknowledge: Acknowledge,
): RedisFinding[] {
  return [
    ...diagnoseAppendOnlyFile(info, settings),
    ...diagnoseSnapshots(info, settings),
    ...diagnoseAnswer(settings, acknowledge),
  ];
}

function diagnoseAppendOnlyFile(info: Facts, settings: Facts | undefined): RedisFinding[] {
  const findings: RedisFinding[] = [];
  const warn = (what: string, advice: string) => findings.push({ level: 'warning', what, advice });
  const isOn = settings ? settings.get('appendonly') === 'yes' : info.get('aof_enabled') === '1';
  if (!isOn && (settings || info.has('aof_enabled'))) {
    const what = 'appendonly = no: a restart loses every winner that was not read yet';
    warn(what, 'set appendonly yes and appendfsync everysec or always');
  }
  if (!settings) {
    const what = 'CONFIG may not be read, so appendfsync is unknown';
    warn(what, 'make sure that appendfsync is everysec or always');
  } else if (isOn && settings.get('appendfsync') === 'no') {
    const what = 'appendfsync = no: a power cut loses what the operating system had not written yet';
    warn(what, 'set appendfsync everysec or always');
  } else if (isOn && settings.get('no-appendfsync-on-rewrite') === 'yes') {
    const what = 'no-appendfsync-on-rewrite = yes: during a rewrite nothing is forced to disk';
    warn(what, 'set no-appendfsync-on-rewrite no');
  }
  if (info.get('aof_last_write_status') === 'err') {
    const what = 'the append-only file cannot be written';
    findings.push({ level: 'problem', what, advice: 'free the disk of Redis and check its log' });
  }
  if (info.get('aof_last_bgrewrite_status') === 'err') {
    const what = 'the last rewrite of the append-only file failed: it grows until the disk is full';
    warn(what, 'free disk and memory of Redis, then BGREWRITEAOF');
  }
  return findings;
}

function diagnoseSnapshots(info: Facts, settings: Facts | undefined): RedisFinding[] {
  if (info.get('rdb_last_bgsave_status') !== 'err') return [];
  const stops = settings?.get('stop-writes-on-bgsave-error') !== 'no' && settings?.get('save') !== '';
  const what = `the last snapshot failed${stops ? ', and stop-writes-on-bgsave-error stops all sales' : ''}`;
  return [{ level: 'warning', what, advice: 'free the disk of Redis and check its log; then BGSAVE' }];
}

/** How durable a purchase is when the buyer is answered with 202. */
function diagnoseAnswer(settings: Facts | undefined, acknowledge: Acknowledge): RedisFinding[] {
  if (acknowledge === 'fsync') return [];
  if (settings?.get('appendonly') !== 'yes') return [];
  if (settings.get('appendfsync') === 'always') {
    return [{ level: 'ok', what: 'appendfsync = always: a power cut loses no entry', advice: '' }];
  }
  const what = 'a purchase is answered before it is on disk: a power cut loses about the last second of them';
  const advice = 'to avoid it: appendfsync always, or Redis 7.2 or Valkey and sale.acknowledge fsync';
  return [{ level: 'ok', what, advice }];
}
