import { describe, expect, test } from 'vitest';
import { largest, openShop } from './open-shop.ts';

const { weir, nextNumber, createProduct, createOrder, pay, expectProblem, countInstances, countOrders } =
  openShop();

describe('an order', () => {
  test('an order is pending at the price of its product, and reads the same later', async () => {
    const productId = await createProduct({ priceCents: '2900' });
    const made = await weir.request('POST', '/v1/orders', { productId, userId: largest });
    expect(made).toMatchObject({
      status: 201,
      body: { productId, userId: largest, status: 'PENDING', amountCents: '2900', paidAt: null },
    });
    expect(made.body.id).toMatch(/^ORD[1-9]\d{0,18}$/);
    expect(made.headers.get('location')).toBe(`/v1/orders/${made.body.id}`);
    expect(await weir.request('GET', `/v1/orders/${made.body.id}`)).toMatchObject({
      status: 200,
      body: made.body,
    });
  });

  test('an order is created once for an Idempotency-Key, and another body is a conflict', async () => {
    const [productId, other] = [await createProduct(), await createProduct()];
    const key = { 'idempotency-key': `key-${nextNumber()}` };
    const create = (body: object) => weir.request('POST', '/v1/orders', body, key);
    const first = await create({ productId, userId: '7' });
    expect(first.status).toBe(201);
    expect(await create({ productId, userId: '7' })).toMatchObject({ status: 200, body: first.body });
    expectProblem(await create({ productId, userId: '8' }), 409, 'IDEMPOTENCY_CONFLICT');
    expectProblem(await create({ productId: other, userId: '7' }), 409, 'IDEMPOTENCY_CONFLICT');
    expect(await countOrders(productId, other)).toBe(1);
  });

  test('an order is created once when the same Idempotency-Key comes many times at once', async () => {
    const productId = await createProduct();
    const key = { 'idempotency-key': `key-${nextNumber()}` };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => weir.request('POST', '/v1/orders', { productId, userId: '7' }, key)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await countOrders(productId)).toBe(1);
  });

  test('an order gets its first answer again after it was paid', async () => {
    const productId = await createProduct();
    const key = { 'idempotency-key': `key-${nextNumber()}` };
    const create = () => weir.request('POST', '/v1/orders', { productId, userId: '7' }, key);
    const first = await create();
    expect((await pay(first.body.id)).status).toBe(201);
    expect(await create()).toMatchObject({ status: 200, body: first.body });
  });

  test('an order gets its first answer again after its product was disabled or deleted', async () => {
    for (const statement of [
      'UPDATE products SET enabled = false WHERE id = $1',
      'DELETE FROM products WHERE id = $1',
    ]) {
      const productId = await createProduct();
      const key = { 'idempotency-key': `key-${nextNumber()}` };
      const create = () => weir.request('POST', '/v1/orders', { productId, userId: '7' }, key);
      const first = await create();
      await weir.database.query(statement, [productId]);
      expect(await create()).toMatchObject({ status: 200, body: first.body });
    }
  });

  test('an order of an unknown product is 404, of a disabled one 422, and not created', async () => {
    const disabled = await createProduct({ enabled: false });
    const before = await weir.countEverything();
    expectProblem(
      await weir.request('POST', '/v1/orders', { productId: '4999', userId: '7' }),
      404,
      'PRODUCT_NOT_FOUND',
    );
    expectProblem(
      await weir.request('POST', '/v1/orders', { productId: disabled, userId: '7' }),
      422,
      'PRODUCT_DISABLED',
    );
    expect(await weir.countEverything()).toEqual(before);
  });

  test('an order can be cancelled repeatedly while pending, and never once paid', async () => {
    const productId = await createProduct();
    const pending = await createOrder(productId);
    const cancelled = await weir.request('POST', `/v1/orders/${pending}/cancel`);
    expect(cancelled).toMatchObject({
      status: 200,
      body: { id: pending, status: 'CANCELLED', paidAt: null },
    });
    expect(await weir.request('POST', `/v1/orders/${pending}/cancel`)).toMatchObject({
      status: 200,
      body: cancelled.body,
    });

    const paid = await createOrder(productId);
    await pay(paid);
    expectProblem(await weir.request('POST', `/v1/orders/${paid}/cancel`), 409, 'ORDER_NOT_CANCELLABLE');
    expect((await weir.request('GET', `/v1/orders/${paid}`)).body.status).toBe('PAID');
  });

  test('an unknown order answers 404 to get and cancel', async () => {
    expectProblem(await weir.request('GET', '/v1/orders/NOBODY'), 404, 'ORDER_NOT_FOUND');
    expectProblem(await weir.request('POST', '/v1/orders/NOBODY/cancel'), 404, 'ORDER_NOT_FOUND');
  });
});

describe('the payment of an order', () => {
  test('a payment makes one instance and marks the order paid, in that commit', async () => {
    const productId = await createProduct();
    const orderId = await createOrder(productId, '77');
    const first = await pay(orderId);
    expect(first).toMatchObject({
      status: 201,
      body: { productId, userId: '77', source: 'ORDER', sourceId: orderId, scope: '', status: 'PROCESSING' },
    });
    expect(first.headers.get('location')).toBe(`/v1/instances/${first.body.instanceId}`);
    const order = (await weir.request('GET', `/v1/orders/${orderId}`)).body;
    expect(order).toMatchObject({ status: 'PAID', paidAt: first.body.createdAt });
    await weir.waitForMessage(first.body.instanceId);
  });

  test('a repeated payment answers 200 with the same body, however it is written', async () => {
    const productId = await createProduct();
    const orderId = await createOrder(productId, '77');
    const first = await pay(orderId);
    const bodies = [
      undefined,
      {},
      { orderId },
      { productId, userId: '77' },
      { orderId, productId, userId: '77' },
    ];
    for (const body of bodies)
      expect(await pay(orderId, body)).toMatchObject({ status: 200, body: first.body });
    expect(await countInstances(orderId)).toBe(1);
  });

  test('many payments of one order at once make one instance', async () => {
    const orderId = await createOrder(await createProduct());
    const answers = await Promise.all(Array.from({ length: 12 }, () => pay(orderId)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(11);
    expect(new Set(answers.map(({ body }) => body.instanceId)).size).toBe(1);
    expect(await countInstances(orderId)).toBe(1);
  });

  test('a payment answers with the instance as it was created, also after it was built', async () => {
    const orderId = await createOrder(await createProduct());
    const first = await pay(orderId);
    await weir.database.query(
      "UPDATE instance_logs SET status = 'SUCCESS', updated_at = now() WHERE instance_id = $1",
      [first.body.instanceId],
    );
    expect(await pay(orderId)).toMatchObject({ status: 200, body: first.body });
    const now = await weir.request('GET', `/v1/instances/${first.body.instanceId}`);
    expect(now.body.status).toBe('SUCCESS');
  });

  test('a payment of a cancelled order answers 200 and requests one refund', async () => {
    const orderId = await createOrder(await createProduct());
    await weir.request('POST', `/v1/orders/${orderId}/cancel`);
    const before = await weir.countEverything();
    const refund = { outcome: 'refund requested', orderId, amountCents: '19900', refundedAt: null };
    for (let i = 0; i < 3; i++) expect(await pay(orderId)).toMatchObject({ status: 200, body: refund });
    expect({ ...(await weir.countEverything()), outbox: 0 }).toEqual({ ...before, outbox: 0 });
    expect((await weir.request('GET', `/v1/orders/${orderId}`)).body.status).toBe('REFUND_REQUESTED');
    const { rows } = await weir.database.query(
      'SELECT kind, instance_id, reason FROM compensations WHERE source_id = $1',
      [orderId],
    );
    expect(rows).toEqual([{ kind: 'REFUND', instance_id: null, reason: 'ORDER_CANCELLED' }]);
  });

  test('a payment with another product or user is refused and leaves the order pending', async () => {
    const [productId, other] = [await createProduct(), await createProduct()];
    const orderId = await createOrder(productId, '77');
    expectProblem(await pay(orderId, { productId: other, userId: '77' }), 409, 'ORDER_CONFLICT');
    expectProblem(await pay(orderId, { productId, userId: '78' }), 409, 'ORDER_CONFLICT');
    expect((await weir.request('GET', `/v1/orders/${orderId}`)).body.status).toBe('PENDING');
    expect(await countInstances(orderId)).toBe(0);
    await pay(orderId);
    expectProblem(await pay(orderId, { productId: other, userId: '77' }), 409, 'ORDER_CONFLICT');
  });

  test('a payment of a foreign order needs product and user, and counts once', async () => {
    const productId = await createProduct();
    const orderId = `ELSEWHERE${nextNumber()}`;
    expect(await pay(orderId)).toMatchObject({
      status: 200,
      body: { outcome: 'parked', reason: 'ORDER_NOT_FOUND' },
    });
    const first = await pay(orderId, { productId, userId: '77' });
    expect(first).toMatchObject({ status: 201, body: { sourceId: orderId, productId, userId: '77' } });
    expect(await pay(orderId, { productId, userId: '77' })).toMatchObject({ status: 200, body: first.body });
    expectProblem(await pay(orderId, { productId, userId: '78' }), 409, 'ORDER_CONFLICT');
    expect(await countInstances(orderId)).toBe(1);
  });

  test('a payment of a product disabled after the order is parked, the order pending', async () => {
    const productId = await createProduct();
    const orderId = await createOrder(productId);
    await weir.database.query('UPDATE products SET enabled = false WHERE id = $1', [productId]);
    const parked = { outcome: 'parked', reason: 'PRODUCT_DISABLED', state: 'PARKED' };
    expect(await pay(orderId)).toMatchObject({ status: 200, body: parked });
    expect((await weir.request('GET', `/v1/orders/${orderId}`)).body.status).toBe('PENDING');
    expect(await pay(`ELSEWHERE${nextNumber()}`, { productId: '4999', userId: '7' })).toMatchObject({
      status: 200,
      body: { outcome: 'parked', reason: 'PRODUCT_NOT_FOUND' },
    });
  });
});
