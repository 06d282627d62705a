import { askRedis } from '../../scripts/services/ask.mjs';
import { findFreePort } from '../../scripts/services/find.mjs';
import { prepareRedis } from '../../scripts/services/prepare.mjs';
import { createFolder, type OwnServer, startOwnServer } from './own-server.ts';

export interface OwnRedisOptions {
  /** Default true. With false nothing survives, not even stop(): there are no snapshots. */
  appendonly?: boolean;
  /** Lines of redis.conf, such as `maxmemory: '2mb'`; they win. */
  config?: Record<string, string>;
  /** Instead of the redis-server that is installed. */
  program?: string;
}

export async function startOwnRedis(options: OwnRedisOptions = {}): Promise<OwnServer> {
  const folder = createFolder('redis');
  const port = await findFreePort();
  const config = { appendonly: options.appendonly === false ? 'no' : 'yes', ...options.config };
  const launch = await prepareRedis({ folder, port, config });
  if (options.program) launch.program = options.program;
  return startOwnServer({ title: 'Redis', folder, port, launch, ask: askRedis, stopSignal: 'SIGTERM' });
}
