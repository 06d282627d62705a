import { onTestFinished } from 'vitest';
import { postgresInstanceLogs } from '../../src/adapters/postgres/instance-logs.ts';
import { parkItems } from '../../src/adapters/postgres/parked.ts';
import { isTransientDatabaseError } from '../../src/adapters/postgres/transient.ts';
import { connectRedis } from '../../src/adapters/redis/connect.ts';
import { RedisSeckillStreams } from '../../src/adapters/redis/seckill-streams.ts';
import type { ParkedEntry } from '../../src/core/triggers/park-entries.ts';
import {
  type SeckillDeps,
  type SeckillOptions,
  SeckillStreamTrigger,
} from '../../src/core/triggers/seckill-stream.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createCreation } from './parts.ts';

/** A consumer with two connections of its own, like a process. */
export async function openRedisStreams(addr: string): Promise<RedisSeckillStreams> {
  const connect = (name: string) => {
    const redis = connectRedis({ addr, name, onConnectionError() {} });
    onTestFinished(() => redis.disconnect());
    return new Promise<typeof redis>((resolve) => redis.once('ready', () => resolve(redis)));
  };
  return new RedisSeckillStreams(await connect('commands'), await connect('reader'));
}

export function parkEntries(database: Database, entries: readonly ParkedEntry[]): Promise<void> {
  return parkItems(
    database,
    entries.map(({ stream, id, error, original }) => ({
      origin: 'STREAM' as const,
      reason: error.code,
      detail: error.message,
      source: 'SECKILL',
      scope: stream,
      sourceId: id,
      original,
    })),
  );
}

/**
 * A trigger composed as in the program, with short times; `given` replaces parts of it. It stops with the
 * test.
 */
export async function startTrigger(
  addr: string,
  database: Database,
  given: Partial<SeckillDeps> = {},
  options: Partial<SeckillOptions> = {},
) {
  const streams = given.streams ?? (await openRedisStreams(addr));
  const failures: unknown[] = [];
  const trigger = new SeckillStreamTrigger(
    {
      streams,
      createInstances: createCreation(database).createInstances,
      findFinished: postgresInstanceLogs(database).findFinished,
      park: (entries) => parkEntries(database, entries),
      onParked() {},
      hasRoom: () => true,
      isTransient: isTransientDatabaseError,
      onFailure: (error) => failures.push(error),
      ...given,
    },
    {
      batchSize: 100,
      maxInFlight: 2,
      blockMs: 20,
      discoverEveryMs: 50,
      takeOverEveryMs: 50,
      minIdleMs: 300,
      maxDeliveries: 2,
      trimEveryMs: 60_000,
      keepFinishedMs: 60_000,
      ...options,
    },
  );
  const stop = new AbortController();
  const running = trigger.run(stop.signal);
  onTestFinished(() => stop.abort());
  return {
    failures,
    streams,
    /** Ends it like a killed process: work in progress stays as it is. */
    die: () => stop.abort(),
    async stop() {
      stop.abort();
      await running;
    },
  };
}
