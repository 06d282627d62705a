import { describe, expect, test } from 'vitest';
import { openShop } from './open-shop.ts';

const { weir, nextNumber, createProduct, createOrder, pay, expectProblem, listAll } = openShop();

const codesOf = async (orderId: string): Promise<string[]> => {
  const { body } = await weir.request('GET', `/v1/orders/${orderId}`);
  return body.timeline.map(({ code }: { code: string }) => code);
};

describe('the list of orders', () => {
  test('orders are listed newest first, each once, page after page, with their instance', async () => {
    const productId = await createProduct();
    const made: string[] = [];
    for (let n = 0; n < 7; n++) made.unshift(await createOrder(productId));
    expect(await listAll(`/v1/orders?productId=${productId}`, 3, 'id')).toEqual(made);
    const paid = await pay(made[0] as string);
    const { body } = await weir.request('GET', `/v1/orders?productId=${productId}&limit=2`);
    expect(body.items.map(({ instanceId }: { instanceId: string }) => instanceId)).toEqual([
      paid.body.instanceId,
      null,
    ]);
    expect(body.nextCursor).toBe(made[1]);
  });

  test('orders made in one moment are listed each once', async () => {
    const productId = await createProduct();
    await weir.database.query(
      `INSERT INTO orders (id, product_id, user_id, amount_cents, created_at)
       SELECT $1 || n, $2, 7, 1, now() FROM generate_series(1, 25) AS n`,
      [`SAME${nextNumber()}-`, productId],
    );
    const seen = await listAll(`/v1/orders?productId=${productId}`, 4, 'id');
    expect(seen).toHaveLength(25);
    expect(new Set(seen).size).toBe(25);
  });

  test('orders are found by each filter and by all together', async () => {
    const productId = await createProduct();
    const userId = `77${nextNumber()}`;
    const orderId = await createOrder(productId, userId);
    const other = await createOrder(productId);
    const paymentId = `PAY${nextNumber()}`;
    await pay(orderId, { orderId, paymentId });
    const { createdAt } = (await weir.request('GET', `/v1/orders/${orderId}`)).body;
    const later = new Date(Date.parse(createdAt) + 60_000).toISOString();
    const find = async (query: string) =>
      (await weir.request('GET', `/v1/orders?${query}`)).body.items.map(({ id }: { id: string }) => id);
    expect(await find(`userId=${userId}`)).toEqual([orderId]);
    expect(await find(`paymentId=${paymentId}`)).toEqual([orderId]);
    expect(await find(`productId=${productId}&status=PENDING`)).toEqual([other]);
    expect(await find(`productId=${productId}&from=${later}`)).toEqual([]);
    const all = `status=PAID&productId=${productId}&userId=${userId}&paymentId=${paymentId}&to=${later}`;
    expect(await find(all)).toEqual([orderId]);
    expect(await find(`paymentId=${paymentId}&status=PENDING`)).toEqual([]);
  });

  test('a filter or cursor that means nothing is refused', async () => {
    for (const query of [
      'status=LOST',
      'status=PAID&status=PENDING',
      'productId=0',
      'userId=9223372036854775808',
      'paymentId=',
      'paymentId=a%00b',
      'from=yesterday',
      'from=2026-02-30T00:00:00Z',
      'cursor=NOBODY',
      'cursor=',
      'limit=0',
      'limit=501',
      'color=red',
    ]) {
      const answer = await weir.request('GET', `/v1/orders?${query}`);
      expect(answer.status, query).toBe(400);
      expect(answer.body.code, query).toMatch(/^(REQUEST|USER_ID|PRODUCT_ID)_INVALID$/);
    }
    expectProblem(await weir.request('GET', '/v1/orders/NOBODY'), 404, 'ORDER_NOT_FOUND');
  });
});

describe('the timeline of an order', () => {
  test('a paid order shows its creation, payment and instance', async () => {
    const orderId = await createOrder(await createProduct());
    const { instanceId } = (await pay(orderId, { orderId, paymentId: 'PAY-T1' })).body;
    const { body } = await weir.request('GET', `/v1/orders/${orderId}`);
    expect(body).toMatchObject({ instanceId, status: 'PAID' });
    expect([...(await codesOf(orderId))].sort()).toEqual([
      'INSTANCE_CREATED',
      'ORDER_CREATED',
      'PAID',
      'PAYMENT_RECORDED',
    ]);
  });

  test('a cancelled order that is paid late keeps when it was cancelled', async () => {
    const orderId = await createOrder(await createProduct());
    await weir.request('POST', `/v1/orders/${orderId}/cancel`);
    expect(await codesOf(orderId)).toEqual(['ORDER_CREATED', 'CANCELLED']);
    await pay(orderId, { orderId, paymentId: 'PAY-T2' });
    const { body } = await weir.request('GET', `/v1/orders/${orderId}`);
    expect(body.timeline.map(({ code }: { code: string }) => code)).toEqual([
      'ORDER_CREATED',
      'CANCELLED',
      ...body.timeline.slice(2).map(({ code }: { code: string }) => code),
    ]);
    expect(body.timeline).toContainEqual(
      expect.objectContaining({
        code: 'REFUND_REQUESTED',
        params: expect.objectContaining({ cause: 'PAID_LATE', paymentId: 'PAY-T2', requests: '1' }),
      }),
    );
    await weir.request('POST', `/v1/orders/${orderId}/refunded`, { orderId, refunded: true });
    expect(await codesOf(orderId)).toContain('REFUNDED');
  });

  test('a payment of another amount shows as parked, and as discarded with the reason', async () => {
    const orderId = await createOrder(await createProduct());
    const { parkedId } = (await pay(orderId, { orderId, paymentId: 'PAY-T3', amountCents: '1' })).body;
    const reason = 'returned at the payer';
    await weir.request('POST', `/v1/parked/${parkedId}/discard`, { reason });
    const { timeline } = (await weir.request('GET', `/v1/orders/${orderId}`)).body;
    expect(timeline).toContainEqual(
      expect.objectContaining({
        code: 'PAYMENT_PARKED',
        params: { parkedId, reason: 'PAYMENT_AMOUNT_MISMATCH' },
      }),
    );
    expect(timeline).toContainEqual(
      expect.objectContaining({ code: 'PAYMENT_DISCARDED', params: { parkedId, reason } }),
    );
  });

  test('a second payment shows its own refund request', async () => {
    const orderId = await createOrder(await createProduct());
    await pay(orderId, { orderId, paymentId: 'PAY-T4' });
    await pay(orderId, { orderId, paymentId: 'PAY-T5' });
    const { timeline } = (await weir.request('GET', `/v1/orders/${orderId}`)).body;
    expect(timeline).toContainEqual(
      expect.objectContaining({
        code: 'REFUND_REQUESTED',
        params: expect.objectContaining({ cause: 'FURTHER_PAYMENT', paymentId: 'PAY-T5' }),
      }),
    );
  });
});

describe('groups of parked items and facts about the server', () => {
  test('parked items are counted by reason and origin, narrowed by any filter', async () => {
    const scope = `stream:seckill:88${nextNumber()}`;
    await weir.database.query(
      `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original, parked_at)
       SELECT 'STREAM', CASE WHEN n = 1 THEN 'USER_ID_INVALID' ELSE 'PRODUCT_NOT_FOUND' END, 'a test', 'SECKILL', $1,
         n || '-0', '', '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 second' FROM generate_series(1, 4) AS n`,
      [scope],
    );
    const { status, body } = await weir.request('GET', `/v1/parked/groups?scope=${scope}`);
    expect(status).toBe(200);
    expect(body.items).toEqual([
      { reason: 'PRODUCT_NOT_FOUND', origin: 'STREAM', count: 3, oldestAt: '2026-01-01T00:00:02.000Z' },
      { reason: 'USER_ID_INVALID', origin: 'STREAM', count: 1, oldestAt: '2026-01-01T00:00:01.000Z' },
    ]);
    const none = await weir.request('GET', `/v1/parked/groups?scope=${scope}&state=DISCARDED`);
    expect(none.body.items).toEqual([]);
    expectProblem(await weir.request('GET', '/v1/parked/groups?reason=odd'), 400, 'REQUEST_INVALID');
    expectProblem(await weir.request('GET', '/v1/parked/groups?limit=5'), 400, 'REQUEST_INVALID');
  });

  test('the server returns its version, and a name and address of traces once set', async () => {
    expect((await weir.request('GET', '/v1/about')).body).toEqual({
      name: '',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      traceUrl: null,
    });
  });
});
