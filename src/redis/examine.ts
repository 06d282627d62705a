import type { Finding } from '../lib/finding.ts';
import { connectRedis, withDeadline } from './connect.ts';

const about = 'Redis';

/** Reachability, version, and the settings under which a winner on the stream can be lost. */
export async function examineRedis(addr: string, acknowledge: 'memory' | 'fsync'): Promise<Finding[]> {
  let lastError: Error | undefined;
  const onConnectionError = (error: Error) => {
    lastError = error;
  };
  const redis = connectRedis({ addr, name: 'doctor', onConnectionError });
  try {
    await withDeadline(redis, 5_000, new Promise((resolve) => redis.once('ready', resolve)));
    const version = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? '0';
    const [seconds] = await redis.time();
    const settings = await readSettings(redis);
    return [
      ...judgeVersion(version),
      ...judgeDurability(settings),
      ...judgeAcknowledge(version, settings, acknowledge),
      ...judgeClock(Number(seconds) * 1000),
    ];
  } catch (error) {
    const what = lastError?.message ?? (error as Error).message;
    return [{ about, level: 'problem', what, advice: 'check data.redis.addr and that the server runs' }];
  } finally {
    redis.disconnect();
  }
}

/** undefined where CONFIG is forbidden, as in many managed services. */
async function readSettings(
  redis: ReturnType<typeof connectRedis>,
): Promise<Map<string, string> | undefined> {
  try {
    const reply = (await redis.config('GET', 'append*', 'maxmemory*')) as string[];
    return new Map(reply.flatMap((name, i) => (i % 2 === 0 ? [[name, reply[i + 1] ?? '']] : [])));
  } catch {
    // Before Redis 7 CONFIG GET takes one pattern.
    try {
      const reply = (await redis.config('GET', '*')) as string[];
      return new Map(reply.flatMap((name, i) => (i % 2 === 0 ? [[name, reply[i + 1] ?? '']] : [])));
    } catch {
      return undefined;
    }
  }
}

function judgeVersion(version: string): Finding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 6 || (major === 6 && minor >= 2))
    return [{ about, level: 'ok', what: `version ${version} answers`, advice: '' }];
  return [
    {
      about,
      level: 'problem',
      what: `version ${version} is too old`,
      advice: 'use Redis 6.2 or newer, or Valkey',
    },
  ];
}

function judgeDurability(settings: Map<string, string> | undefined): Finding[] {
  if (!settings) {
    const what = 'CONFIG may not be read, so its durability is unknown';
    return [
      { about, level: 'warning', what, advice: 'make sure that appendonly is on and nothing is evicted' },
    ];
  }
  const findings: Finding[] = [];
  if (settings.get('appendonly') !== 'yes') {
    const what = 'appendonly = no: a restart loses every winner that was not read yet';
    findings.push({
      about,
      level: 'warning',
      what,
      advice: 'set appendonly yes and appendfsync everysec or always',
    });
  } else if (settings.get('appendfsync') === 'no') {
    const what = 'appendfsync = no: a power cut loses what the system had not written yet';
    findings.push({ about, level: 'warning', what, advice: 'set appendfsync everysec or always' });
  }
  const policy = settings.get('maxmemory-policy');
  if (settings.get('maxmemory') !== '0' && policy?.startsWith('allkeys')) {
    const what = `maxmemory-policy = ${policy}: full memory deletes streams with winners on them`;
    findings.push({ about, level: 'problem', what, advice: 'set maxmemory-policy noeviction' });
  }
  return findings;
}

/** What a buyer's 202 is worth. */
function judgeAcknowledge(
  version: string,
  settings: Map<string, string> | undefined,
  acknowledge: 'memory' | 'fsync',
): Finding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const canWait = major > 7 || (major === 7 && minor >= 2);
  if (acknowledge === 'fsync') {
    if (canWait && settings?.get('appendonly') !== 'no') return [];
    const what = 'sale.acknowledge is fsync, which this Redis cannot do: nothing is sold';
    const advice = 'use Redis 7.2 or Valkey with appendonly yes, or set sale.acknowledge to memory';
    return [{ about, level: 'problem', what, advice }];
  }
  if (settings?.get('appendonly') !== 'yes' || settings.get('appendfsync') === 'always') return [];
  const what = 'a purchase is answered before it is on disk: a power cut loses about the last second of them';
  const advice = canWait
    ? 'set sale.acknowledge to fsync where that must not be'
    : 'where that must not be: appendfsync always, or Redis 7.2 or Valkey and sale.acknowledge fsync';
  return [{ about, level: 'ok', what, advice }];
}

function judgeClock(wallMs: number): Finding[] {
  const skewMs = Math.abs(wallMs - Date.now());
  if (skewMs <= 2_000) return [];
  const what = `its clock and ours differ by about ${Math.round(skewMs / 1000)} s`;
  return [{ about, level: 'warning', what, advice: 'run NTP on both: stream ids carry its time' }];
}
