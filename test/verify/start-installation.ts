import type pg from 'pg';
import { findFreePort } from '../../scripts/services/find.mjs';
import type { VerifyOptions } from '../../verify/src/options.ts';
import { openAddressSwitch } from '../support/address-switch.ts';
import { createLifeQueues, type LifeQueues } from '../support/life.ts';
import { createPostgresDatabase, createRedisDatabase, rabbitmqUrl } from '../support/stores.ts';
import { openTestPool } from '../support/test-pool.ts';
import { type RunningWeir, startWeir } from '../support/weir.ts';

export const operatorKey = 'verify-operator-key-0123456789abcdef';
export const webhookSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

export interface TestedInstallation {
  weir: RunningWeir;
  /** Another process with the same settings, at the same address. */
  restart: () => Promise<RunningWeir>;
  /** Breaks every connection to the stores, those of Weir and of the checker. */
  cutStores: () => void;
  database: pg.Pool;
  queues: LifeQueues;
  /** Everything that the checker can be given. */
  options: VerifyOptions;
}

/** The same store behind an address whose connections can be broken. */
async function openSwitch(url: string): Promise<{ url: string; cut: () => void }> {
  const behind = new URL(url);
  const { port, cut } = await openAddressSwitch(Number(behind.port));
  behind.port = String(port);
  return { url: behind.href, cut };
}

/** A Weir on stores of the test's own, which asks for keys and signatures. */
export async function startInstallation(): Promise<TestedInstallation> {
  const database = openTestPool(await createPostgresDatabase());
  const postgres = await openSwitch(String(database.options.connectionString));
  const redis = await openSwitch(await createRedisDatabase());
  const rabbitmq = await openSwitch(rabbitmqUrl);
  const port = await findFreePort();
  const { queues, env } = createLifeQueues();
  const settings = {
    ...env,
    WEIR_DATA_DATABASE_SOURCE: postgres.url,
    WEIR_DATA_REDIS_ADDR: redis.url,
    WEIR_DATA_RABBITMQ_URL: rabbitmq.url,
    WEIR_SERVER_HTTP_ADDR: `127.0.0.1:${port}`,
    WEIR_SERVER_HTTP_OPERATORKEYS: operatorKey,
    WEIR_SERVER_HTTP_WEBHOOKSECRETS: webhookSecret,
    WEIR_SECKILL_MINIDLEMS: '300',
    WEIR_LOG_LEVEL: 'info',
  };
  const weir = await startWeir(settings);
  return {
    ...{ weir, database, queues, restart: () => startWeir(settings) },
    cutStores: () => {
      for (const store of [postgres, redis, rabbitmq]) store.cut();
    },
    options: {
      ...{ urls: [weir.url], key: operatorKey, webhookSecret, postgres: postgres.url, redis: redis.url },
      rabbitmq: rabbitmq.url,
      queues: { ...queues, created: [queues.created] },
    },
  };
}
