import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type Config, ConfigError, readConfig } from '../../src/config/config.ts';
import { allSettings, valueAt } from '../../src/config/settings.ts';
import { createFolder } from '../support/stores.ts';

export interface Sample {
  /** As the value of an environment variable, different from the default. */
  text: string;
  /** As a YAML value. */
  yaml: unknown;
  value: unknown;
  /** Invalid YAML values. */
  wrong: unknown;
}

export const operatorKeys = ['0123456789abcdef', 'fedcba9876543210'];
export const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'];

/** One for every setting. */
export const samples: Readonly<Record<string, Sample>> = {
  'server.http.addr': sample('localhost:9000', 'no port'),
  'server.http.hosts': sample('shop.example,www.shop.example', 5, ['shop.example', 'www.shop.example']),
  'server.http.webhookSecrets': sample(secrets.join(','), 5, secrets),
  'sale.acknowledge': sample('fsync', 'disk'),
  'sale.userPerSecond': sample('0', -1, 0),
  'sale.addressPerSecond': sample('1000', 'many', 1000),
  'sale.maxWaiting': sample('100', 0, 100),
  'sale.maxLoopDelayMs': sample('250', 19, 250),
  'server.http.operatorKeys': sample(operatorKeys.join(', '), { key: 1 }, operatorKeys),
  'server.http.metrics': sample('read', 'closed'),
  'server.http.trustedProxies': sample('10.0.0.0/8,::1', ['10.0.0.0/33'], ['10.0.0.0/8', '::1']),
  'server.http.requestsPerMinute': sample('0', -1, 0),
  'server.http.loginsPerMinute': sample('5', 'few', 5),
  'server.http.maxConnections': sample('100', 0, 100),
  'server.http.maxConnectionsPerAddress': sample('100', 0, 100),
  'server.http.headersTimeoutMs': sample('100', 99, 100),
  'server.http.keepAliveMs': sample('620000', 999, 620_000),
  'server.http.drainMs': sample('0', 600_001, 0),
  'server.name': sample('staging', 5),
  'server.cell': sample('1/4', '1/3'),
  'server.traceUrl': sample('https://traces.example/search?id={instanceId}', 'https://traces.example/'),
  'server.roles': sample('ingest,relay', 'ingest,cook', ['ingest', 'relay']),
  'data.database.source': sample('postgres://weir:pw@db:5432/shop', 'mysql://weir:pw@db/shop'),
  'data.database.maxConnections': sample('20', 1, 20),
  'data.database.schema': sample('weir', 'pg_weir'),
  'data.database.tls.ca': sample('/etc/weir/ca.pem', 5),
  'data.database.tls.cert': sample('/etc/weir/client.pem', 5),
  'data.database.tls.key': sample('/etc/weir/client.key', 5),
  'data.database.migrate': sample('false', 'maybe', false),
  'data.redis.addr': sample('redis.internal:6379', 'redis.internal'),
  'data.redis.tls.ca': sample('/etc/weir/ca.pem', 5),
  'data.redis.tls.cert': sample('/etc/weir/client.pem', 5),
  'data.redis.tls.key': sample('/etc/weir/client.key', 5),
  'data.rabbitmq.url': sample('amqps://weir:pw@mq', 'http://mq'),
  'data.rabbitmq.queue': sample('created', 'two words'),
  'data.rabbitmq.queues': sample('4', 65, 4),
  'data.rabbitmq.resultQueue': sample('answers', ''),
  'data.rabbitmq.releaseQueue': sample('releases', 'two words'),
  'data.rabbitmq.refundQueue': sample('refunds', 'two words'),
  'data.rabbitmq.queueType': sample('classic', 'stream'),
  'data.rabbitmq.tls.ca': sample('/etc/weir/ca.pem', 5),
  'data.rabbitmq.tls.cert': sample('/etc/weir/client.pem', 5),
  'data.rabbitmq.tls.key': sample('/etc/weir/client.key', 5),
  'data.rabbitmq.managementUrl': sample('http://rabbit:15672', 'ftp://rabbit'),
  'data.rabbitmq.deadLetterQueue': sample('weir.dead-letter', 'a queue'),
  'data.embedded.folder': sample('/var/lib/weir', ''),
  'seckill.batchSize': sample('400', 501, 400),
  'seckill.minIdleMs': sample('100', 99, 100),
  'outbox.lanes': sample('4', '4x', 4),
  'outbox.highWater': sample('1', true, 1),
  'orders.expireAfterMs': sample('1000', 999, 1_000),
  'overdue.deadlineMs': sample('100', 99, 100),
  'overdue.maxPublications': sample('1', 0, 1),
  'audit.everyMs': sample('0', 999, 0),
  'cleaning.archiveAfterMs': sample('86400000', 86_399_999, 86_400_000),
  'cleaning.archiveFolder': sample('/var/lib/weir/archive', ''),
  'cleaning.parkedAfterMs': sample('0', 5, 0),
  'cleaning.activityAfterMs': sample('31536000000', 5, 31_536_000_000),
  'cleaning.idempotencyAfterMs': sample('86400000', 5, 86_400_000),
  'resource.simulate': sample('true', 'perhaps'),
  'resource.delayMs': sample('0', -1, 0),
  'resource.failPercent': sample('12.5', 101, 12.5),
  'resource.silentPercent': sample('100', -1, 100),
  'resource.latePercent': sample('0.1', '1e1', 0.1),
  'resource.lateMs': sample('5', 'soon', 5),
  'resource.repeatPercent': sample('5', '5 %', 5),
  'resource.contradictPercent': sample('1', 'one', 1),
  'demo.enabled': sample('false', 'perhaps'),
  'metrics.backlogEveryMs': sample('0', 999, 0),
  'log.level': sample('debug', 'loud'),
  'log.format': sample('json', 'xml'),
};

export function sample(text: string, wrong: unknown, value: unknown = text): Sample {
  return { text, yaml: value, value, wrong };
}

export const keys = allSettings.map(({ key }) => key);
export const table = allSettings.map(({ key, setting }) => [key, setting] as const);
export const sampleOf = (key: string) => samples[key] as Sample;

/** By key. */
export function flatten(config: Config): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, valueAt(config, key)]));
}

/** The file's text, from keys with dots. */
export function toYaml(entries: Iterable<readonly [string, unknown]>): string {
  const document: Record<string, unknown> = {};
  for (const [key, value] of entries) {
    const path = key.split('.');
    const last = path.pop() as string;
    let group = document;
    for (const part of path) {
      group[part] ??= {};
      group = group[part] as Record<string, unknown>;
    }
    group[last] = value;
  }
  return stringify(document);
}

export async function createFile(content: string): Promise<string> {
  const file = join(await createFolder(), 'config.yaml');
  await writeFile(file, content);
  return file;
}

export async function readFile(
  content: string,
  env: NodeJS.ProcessEnv = {},
  flags: Readonly<Record<string, unknown>> = {},
) {
  return readConfig(await createFile(content), env, flags);
}

export function catchConfigError(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

export const safe = {
  WEIR_SERVER_HTTP_WEBHOOKSECRETS: secrets[0],
  WEIR_SERVER_HTTP_OPERATORKEYS: operatorKeys[0],
};
