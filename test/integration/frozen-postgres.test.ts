import { describe, expect, test } from 'vitest';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createFolder } from '../support/stores.ts';
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

async function timed(
  asking: Promise<HttpAnswer>,
): Promise<{ status: number; retryAfter: string | null; ms: number }> {
  const startedAt = performance.now();
  const { status, headers } = await asking;
  return { status, retryAfter: headers.get('retry-after'), ms: performance.now() - startedAt };
}

function pay(weir: RunningWeir, order: string): Promise<HttpAnswer> {
  return weir.request('POST', `/v1/orders/${order}/paid`, { productId: '1001', userId: '7' });
}

describe('a database that is frozen', () => {
  test('a frozen database gives 503 within five seconds on every route, until it is back', async () => {
    await using server = await startOwnPostgres({ fsync: false });
    const weir = await startWeir({
      WEIR_DATA_DATABASE_SOURCE: server.url,
      WEIR_DATA_EMBEDDED_FOLDER: await createFolder(),
    });
    expect((await weir.request('POST', '/v1/products', { ...product, enabled: true })).status).toBe(201);
    expect((await pay(weir, 'BEFORE')).status).toBe(201);

    server.pause();
    const requests = [
      ...Array.from({ length: 20 }, (_, n) => pay(weir, `FROZEN${n}`)),
      weir.request('POST', '/v1/instances', {
        source: 'GIFT',
        sourceId: 'G1',
        productId: '1001',
        userId: '8',
      }),
      weir.request('POST', '/v1/orders', { productId: '1001', userId: '7' }),
      weir.request('GET', '/v1/instances'),
      weir.request('GET', '/v1/products'),
      weir.request('GET', '/v1/stats/sources'),
      weir.request('GET', '/v1/audit'),
    ];
    const asked = Promise.all(requests.map(timed));
    await pollUntil('readiness to name the database', 5_000, async () => {
      expect((await weir.request('GET', '/readyz')).status).toBe(503);
    });
    // Later callers do not wait behind earlier ones.
    const askedLater = Promise.all(Array.from({ length: 5 }, (_, n) => timed(pay(weir, `LATER${n}`))));
    const answers = [...(await asked), ...(await askedLater)];
    expect(answers.filter(({ status }) => status !== 503)).toEqual([]);
    expect(answers.filter(({ retryAfter }) => retryAfter === null)).toEqual([]);
    expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(withinMs);

    server.resume();
    await pollUntil('Weir to be ready again', 10_000, async () => {
      expect((await weir.request('GET', '/readyz')).status).toBe(200);
    });
    await pollUntil('a payment to be answered again', 10_000, async () => {
      expect((await pay(weir, 'AFTER')).status).toBeLessThan(300);
    });
    const first = await pay(weir, 'FROZEN0');
    expect([200, 201]).toContain(first.status);
    expect((await pay(weir, 'FROZEN0')).body.instanceId).toBe(first.body.instanceId);
    const { body } = await weir.request('GET', '/v1/instances?source=ORDER&q=FROZEN0');
    expect(body.items).toHaveLength(1);
  });
});
