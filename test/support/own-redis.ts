import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askRedis } from '../../scripts/services/ask.mjs';
import { findFreePort } from '../../scripts/services/find.mjs';
import { prepareRedis } from '../../scripts/services/prepare.mjs';
import type { Certificates } from './certificates.ts';
import { needNewer } from './newer.ts';
import { createFolder, type OwnServer, startOwnServer } from './own-server.ts';

export interface OwnRedisOptions {
  /** Default true. With false nothing survives, not even stop(): there are no snapshots. */
  appendonly?: boolean;
  /** Lines of redis.conf, such as `maxmemory: '2mb'`; they override the defaults. */
  config?: Record<string, string>;
  /** A Sentinel that monitors nothing. */
  sentinel?: boolean;
  /** Clients of its second port, `readTlsPort`, need TLS and a certificate; nodes use TLS between each other. */
  tls?: Certificates;
}

export function startOwnRedis(options: OwnRedisOptions = {}): Promise<OwnServer> {
  return start('Redis', undefined, options);
}

/** Valkey 8, which supports WAITAOF. */
export function startOwnValkey(options: OwnRedisOptions = {}): Promise<OwnServer> {
  return start('Valkey', needNewer('valkey').program, options);
}

async function start(
  title: string,
  program: string | undefined,
  options: OwnRedisOptions,
): Promise<OwnServer> {
  const folder = createFolder('redis');
  const port = await findFreePort();
  const config: Record<string, string> = {
    appendonly: options.appendonly === false ? 'no' : 'yes',
    ...options.config,
  };
  if (options.tls) Object.assign(config, configureTls(options.tls, await findFreePort()));
  // Default: 10,000 above the port, a port that an outgoing connection of any program may use.
  if (config['cluster-enabled'] === 'yes') config['cluster-port'] = String(await findFreePort());
  const launch = await prepareRedis({ folder, port, config, ...(program && { program }) });
  if (options.sentinel) launch.args.push('--sentinel');
  return startOwnServer({ title, folder, port, launch, ask: askRedis, stopSignal: 'SIGTERM' });
}

function configureTls({ ca, cert, key }: Certificates, port: number): Record<string, string> {
  return {
    ...{ 'tls-port': String(port), 'tls-auth-clients': 'yes' },
    ...{ 'tls-cert-file': cert, 'tls-key-file': key, 'tls-ca-cert-file': ca },
    ...{ 'tls-replication': 'yes', 'tls-cluster': 'yes' },
  };
}

/** The port for TLS of a server with `tls`. */
export function readTlsPort({ folder }: OwnServer): number {
  return Number(/^tls-port (\d+)$/m.exec(readFileSync(join(folder, 'redis.conf'), 'utf8'))?.[1]);
}
