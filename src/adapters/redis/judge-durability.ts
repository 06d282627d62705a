import type { Facts, Judgement } from './examine.ts';

/** The settings and states under which Redis loses a winner, or stops to take one. */
export function judgeDurability(
  info: Facts,
  settings: Facts | undefined,
  acknowledge: 'memory' | 'fsync',
): Judgement[] {
  return [
    ...judgeAppendOnlyFile(info, settings),
    ...judgeSnapshots(info, settings),
    ...judgeAnswer(settings, acknowledge),
  ];
}

function judgeAppendOnlyFile(info: Facts, settings: Facts | undefined): Judgement[] {
  const findings: Judgement[] = [];
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
    const what = 'appendfsync = no: a power cut loses what the system had not written yet';
    warn(what, 'set appendfsync everysec or always');
  } else if (isOn && settings.get('no-appendfsync-on-rewrite') === 'yes') {
    const what = 'no-appendfsync-on-rewrite = yes: during a rewrite nothing is forced to disk';
    warn(what, 'set no-appendfsync-on-rewrite no');
  }
  if (info.get('aof_last_write_status') === 'err') {
    const what = 'the append-only file cannot be written';
    findings.push({ level: 'problem', what, advice: 'free the disk of Redis and look at its log' });
  }
  if (info.get('aof_last_bgrewrite_status') === 'err') {
    const what = 'the last rewrite of the append-only file failed: it grows until the disk is full';
    warn(what, 'free disk and memory of Redis, then BGREWRITEAOF');
  }
  return findings;
}

function judgeSnapshots(info: Facts, settings: Facts | undefined): Judgement[] {
  if (info.get('rdb_last_bgsave_status') !== 'err') return [];
  const stops = settings?.get('stop-writes-on-bgsave-error') !== 'no' && settings?.get('save') !== '';
  const what = `the last snapshot failed${stops ? ', and stop-writes-on-bgsave-error stops all sales' : ''}`;
  return [{ level: 'warning', what, advice: 'free the disk of Redis and look at its log; then BGSAVE' }];
}

/** What a buyer's 202 is worth. */
function judgeAnswer(settings: Facts | undefined, acknowledge: 'memory' | 'fsync'): Judgement[] {
  if (acknowledge === 'fsync') return [];
  if (settings?.get('appendonly') !== 'yes') return [];
  if (settings.get('appendfsync') === 'always') {
    return [{ level: 'ok', what: 'appendfsync = always: a power cut loses no entry', advice: '' }];
  }
  const what = 'a purchase is answered before it is on disk: a power cut loses about the last second of them';
  const advice =
    'where that must not be: appendfsync always, or Redis 7.2 or Valkey and sale.acknowledge fsync';
  return [{ level: 'ok', what, advice }];
}
