import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { createPostgresDatabase } from '../support/stores.ts';
import { type HttpAnswer, type RunningWeir, startWeir } from '../support/weir.ts';

const product = {
  id: '1001',
  name: 'GPU',
  cpus: 1,
  memoryMb: 1024,
  gpu: 1,
  image: 'ubuntu',
  priceCents: '5',
};

/** Answers arrive within 5 s; the rest is a margin for a busy machine. */
const withinMs = 7_000;

interface Shop {
  weir: RunningWeir;
  url: string;
  pay(order: string): Promise<HttpAnswer>;
}

async function openShop(): Promise<Shop> {
  const url = await createPostgresDatabase();
  // A periodic audit would lock one of the tables while it waits for the other, which the test has locked.
  const weir = await startWeir({ WEIR_DATA_DATABASE_SOURCE: url, WEIR_AUDIT_EVERYMS: '0' });
  expect((await weir.request('POST', '/v1/products', { ...product, enabled: true })).status).toBe(201);
  const body = { productId: '1001', userId: '7' };
  return { weir, url, pay: (order) => weir.request('POST', `/v1/orders/${order}/paid`, body) };
}

/** Locked until the returned function is called, or the test ends. */
async function lock(url: string, table: string): Promise<() => Promise<void>> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.end());
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
  return async () => {
    await client.query('COMMIT');
  };
}

test('reads of operators hold no purchase, and no lock wait exceeds five seconds', async () => {
  const { weir, url, pay } = await openShop();
  const unlockReads = await lock(url, 'audit_counts');
  const readsStartedAt = performance.now();
  const reads = Promise.all(Array.from({ length: 30 }, () => weir.request('GET', '/v1/stats/sources')));
  const payments = await Promise.all(Array.from({ length: 20 }, (_, n) => pay(`O${n}`)));
  expect(payments.map(({ status }) => status)).toEqual(Array(20).fill(201));

  const unlockPurchases = await lock(url, 'instance_logs');
  const paymentStartedAt = performance.now();
  const locked = pay('LOCKED');
  expect(new Set((await reads).map(({ status }) => status))).toEqual(new Set([503]));
  expect(performance.now() - readsStartedAt).toBeLessThan(withinMs);
  const answer = await locked;
  expect(answer).toMatchObject({ status: 503, body: { code: 'STORE_UNAVAILABLE' } });
  expect(answer.headers.get('retry-after')).not.toBeNull();
  expect(performance.now() - paymentStartedAt).toBeLessThan(withinMs);

  await unlockReads();
  await unlockPurchases();
  const again = await pay('LOCKED');
  expect([200, 201]).toContain(again.status);
  expect(await pay('LOCKED')).toMatchObject({ status: 200, body: { instanceId: again.body.instanceId } });
});
