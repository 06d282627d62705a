import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, onTestFinished } from 'vitest';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createProduct } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createQueueName, createRedisDatabase, rabbitmqUrl } from '../support/stores.ts';
import { type RunningWeir, startWeir } from '../support/weir.ts';

/** A Weir on this PostgreSQL, with a product to sell. */
export async function startShop(url: string) {
  const redisUrl = await createRedisDatabase();
  const redis = new Redis(redisUrl);
  onTestFinished(() => redis.disconnect());
  const env = {
    WEIR_DATA_DATABASE_SOURCE: url,
    WEIR_DATA_REDIS_ADDR: redisUrl,
    WEIR_DATA_RABBITMQ_URL: rabbitmqUrl,
    WEIR_DATA_RABBITMQ_QUEUE: createQueueName(),
    WEIR_RESOURCE_SIMULATE: 'true',
    WEIR_RESOURCE_DELAYMS: '0',
  };
  const weir = await startWeir(env);
  const database = openPostgresServer({ url, maxConnections: 2, onConnectionError() {} });
  onTestFinished(() => database.close());
  await createProduct(database);
  return { weir, redis, env, database };
}

/** Pays orders and adds stream entries, one after the other, until stopped; remembers what was acknowledged. */
export class Load {
  readonly paid = new Map<string, string>();
  entries = 0;
  #isRunning = true;
  readonly #lanes: Promise<void>[];

  constructor(weir: RunningWeir, redis: Redis) {
    const pay = async (lane: number) => {
      for (let n = 0; this.#isRunning; n++) {
        const order = `${lane}-${n}`;
        const { status, body } = await payOrder(weir, order);
        if (status === 200 || status === 201) this.paid.set(order, body.instanceId);
        else await delay(20);
      }
    };
    const add = async () => {
      while (this.#isRunning) {
        await redis.xadd('stream:seckill:1001', '*', 'uid', '7');
        this.entries++;
        await delay(10);
      }
    };
    this.#lanes = [pay(1), pay(2), pay(3), pay(4), add()];
  }

  /** Resolves when the load flows: fifty more orders have been paid. */
  async waitForMore(): Promise<void> {
    const before = this.paid.size;
    await pollUntil('the load to flow', 10_000, async () =>
      expect(this.paid.size).toBeGreaterThan(before + 50),
    );
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#lanes);
  }

  /** Requires one instance for each entry, and the acknowledged one for each order. Call stop() first. */
  async expectKept(database: Database): Promise<void> {
    await pollUntil('an instance for each entry', 30_000, async () => {
      const rows = await database.query("SELECT FROM instance_logs WHERE source = 'SECKILL'");
      expect(rows).toHaveLength(this.entries);
    });
    const rows = await database.query<{ source_id: string; instance_id: string }>(
      "SELECT source_id, instance_id::text FROM instance_logs WHERE source = 'ORDER'",
    );
    const found = new Map(rows.map(({ source_id, instance_id }) => [source_id, instance_id]));
    expect(found.size).toBe(rows.length);
    expect([...this.paid].filter(([order, instanceId]) => found.get(order) !== instanceId)).toEqual([]);
  }
}

export function payOrder(weir: RunningWeir, order: string) {
  return weir.request('POST', `/v1/orders/${order}/paid`, { productId: '1001', userId: '7' });
}
