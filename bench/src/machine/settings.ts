import { arch, cpus, release, totalmem, type } from 'node:os';
import type { Bench } from '../bench.ts';
import { connectTo } from '../stores/database.ts';
import { connectToBroker } from '../stores/queue.ts';
import { connectToRedis } from '../stores/stream.ts';

const postgresSettings = [
  'server_version',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_level',
  'shared_buffers',
  'max_connections',
  'autovacuum',
];
const redisSettings = ['appendonly', 'appendfsync', 'maxmemory-policy'];

export interface Machine {
  readonly node: string;
  readonly system: string;
  readonly cpu: string;
  readonly cpuCount: number;
  readonly memoryMiB: number;
}

export interface ServerSettings {
  readonly postgres: Readonly<Record<string, string>>;
  readonly redis: Readonly<Record<string, string>>;
  readonly rabbitmq: Readonly<Record<string, string>>;
}

export function readMachine(): Machine {
  const all = cpus();
  return {
    node: process.version,
    system: `${type()} ${release()} ${arch()}`,
    cpu: all[0]?.model.trim() ?? 'unknown',
    cpuCount: all.length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
  };
}

/** Settings that figures depend on, as reported by the servers. */
export async function readServerSettings(bench: Bench): Promise<ServerSettings> {
  const mark = bench.cleanup.mark();
  const settings = {
    postgres: await readPostgres(bench),
    redis: await readRedis(bench),
    rabbitmq: await readRabbitmq(bench),
  };
  await bench.cleanup.unwind(mark);
  return settings;
}

/** Whether an answered commit is on disk. */
export function isDurable({ postgres }: ServerSettings): boolean {
  return postgres.fsync === 'on' && postgres.synchronous_commit !== 'off';
}

async function readPostgres(bench: Bench): Promise<Record<string, string>> {
  const client = await connectTo(bench, bench.addresses.postgres);
  const { rows } = await client.query<{ name: string; value: string }>(
    'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name',
    [postgresSettings],
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

async function readRedis(bench: Bench): Promise<Record<string, string>> {
  const redis = await connectToRedis(bench);
  const version = /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? 'unknown';
  const found: Record<string, string> = { version };
  for (const name of redisSettings) {
    // A managed Redis may forbid CONFIG: then the setting is unknown, not wrong.
    const reply = await redis.config('GET', name).catch(() => undefined);
    const [, value] = (reply ?? []) as string[];
    found[name] = value ?? 'unknown';
  }
  return found;
}

async function readRabbitmq(bench: Bench): Promise<Record<string, string>> {
  const connection = await connectToBroker(bench);
  const { product, version } = connection.connection.serverProperties;
  return { product: String(product), version: String(version), queueType: 'quorum' };
}
