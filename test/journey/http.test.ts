import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import type { HttpAnswer } from '../support/weir.ts';
import { EventSchema } from '../wire/weir/v1/event_pb.ts';
import { type RawAnswer, sendRaw, shareWeir } from './share-weir.ts';

const weir = shareWeir();

let count = 0;
/** A product, source id or user of the test's own. */
const nextNumber = () => ++count;

const largest = '9223372036854775807';
const aboveLargest = '9223372036854775808';

function productBody(change: Record<string, unknown> = {}) {
  return {
    id: `${5000 + nextNumber()}`,
    name: 'GPU Small',
    cpus: 4,
    memoryMb: 16384,
    gpu: 1,
    image: 'ubuntu-22.04-cuda',
    priceCents: '19900',
    enabled: true,
    ...change,
  };
}

async function createProduct(change: Record<string, unknown> = {}): Promise<string> {
  const { status, body } = await weir.request('POST', '/v1/products', productBody(change));
  expect(status).toBe(201);
  return body.id;
}

async function createOrder(productId: string, userId = `${nextNumber()}`): Promise<string> {
  const { status, body } = await weir.request('POST', '/v1/orders', { productId, userId });
  expect(status).toBe(201);
  return body.id;
}

function purchaseBody(productId: string, change: Record<string, unknown> = {}) {
  const number = nextNumber();
  return { source: 'ACTIVITY', sourceId: `ACT${number}`, productId, userId: `${number}`, ...change };
}

const buy = (body: object) => weir.request('POST', '/v1/instances', body);
const pay = (orderId: string, body?: object) => weir.request('POST', `/v1/orders/${orderId}/paid`, body);

function expectProblem(answer: HttpAnswer, status: number, code: string): void {
  expect(answer.body).toMatchObject({ status, code });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
}

describe('a product', () => {
  test('is created once: the repeat answers the same, other properties a conflict that changes nothing', async () => {
    const product = productBody();
    const first = await weir.request('POST', '/v1/products', product);
    expect(first).toMatchObject({ status: 201, body: product });
    const repeat = await weir.request('POST', '/v1/products', product);
    expect(repeat).toMatchObject({ status: 200, body: first.body });

    const others = {
      name: 'GPU Big',
      cpus: 8,
      memoryMb: 1,
      gpu: 0,
      image: 'debian',
      priceCents: '1',
      enabled: false,
    };
    for (const [name, value] of Object.entries(others)) {
      expectProblem(
        await weir.request('POST', '/v1/products', { ...product, [name]: value }),
        409,
        'PRODUCT_CONFLICT',
      );
    }
    expect((await weir.request('GET', `/v1/products/${product.id}`)).body).toEqual(product);
  });

  test('without gpu, price and enabled has none, costs nothing and is enabled', async () => {
    const { gpu: _, priceCents: __, enabled: ___, ...least } = productBody();
    const first = await weir.request('POST', '/v1/products', least);
    expect(first).toMatchObject({ status: 201, body: { ...least, gpu: 0, priceCents: '0', enabled: true } });
    expect(await weir.request('POST', '/v1/products', least)).toMatchObject({
      status: 200,
      body: first.body,
    });
  });

  test('may carry the largest id there is', async () => {
    const product = productBody({ id: largest });
    expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
    expect((await weir.request('GET', `/v1/products/${largest}`)).body).toEqual(product);
  });

  test('is listed exactly once, in order of id, whatever the size of the pages', async () => {
    for (let i = 0; i < 5; i++) await createProduct();
    const { rows } = await weir.database.query('SELECT id::text FROM products ORDER BY id');
    const wanted = rows.map(({ id }) => id);
    expect(wanted.length).toBeGreaterThanOrEqual(5);
    for (const limit of [1, 2, 500]) expect(await listAll('/v1/products', limit, 'id')).toEqual(wanted);
  });

  test('that does not exist answers 404', async () => {
    expectProblem(await weir.request('GET', '/v1/products/4999'), 404, 'PRODUCT_NOT_FOUND');
    const change = { enabled: true };
    expectProblem(await weir.request('PATCH', '/v1/products/4999', change), 404, 'PRODUCT_NOT_FOUND');
  });

  test('that is disabled makes nothing from the next commit on, and that is enabled sells at once', async () => {
    const product = productBody();
    await createProduct(product);
    const path = `/v1/products/${product.id}`;
    const tryAll = async () => {
      const answers = [
        await buy(purchaseBody(product.id)),
        await weir.request('POST', '/v1/orders', { productId: product.id, userId: '7' }),
        await weir.request('POST', '/v1/sales', { productId: product.id, stock: 1 }),
      ];
      return answers.map(({ status, body }) => body.code ?? status);
    };
    // Once bought it is remembered as enabled.
    expect((await buy(purchaseBody(product.id))).status).toBe(201);
    for (let times = 0; times < 2; times++) {
      const disabled = { ...product, enabled: false };
      expect(await weir.request('PATCH', path, { enabled: false })).toMatchObject({
        status: 200,
        body: disabled,
      });
      expect((await weir.request('GET', path)).body).toEqual(disabled);
    }
    expect(await tryAll()).toEqual(Array(3).fill('PRODUCT_DISABLED'));
    const entry = await weir.redis.xadd(`stream:seckill:${product.id}`, '*', 'uid', '7');
    const item = await pollUntil('the winner to be parked', 15_000, async () => {
      const { items } = (await weir.request('GET', '/v1/parked?reason=PRODUCT_DISABLED')).body;
      expect(items[0]?.sourceId).toBe(entry);
      return items[0];
    });
    expect(await weir.request('PATCH', path, { enabled: true })).toMatchObject({
      status: 200,
      body: product,
    });
    expect(await tryAll()).toEqual([201, 201, 201]);
    const replayed = await weir.request('POST', `/v1/parked/${item.id}/replay`);
    expect(replayed.body).toMatchObject({ state: 'REPLAYED' });
    const told = weir.lines.filter(
      ({ event, on }) => event === 'activity_recorded' && (on as { id?: string }).id === product.id,
    );
    expect(told).toMatchObject(
      [false, false, true].map((enabled) => ({
        by: 'operator',
        did: 'PATCH /v1/products/:id',
        asked: { enabled },
      })),
    );
  });

  test.each([{}, { enabled: 'false' }, { enabled: null }, { enabled: true, name: 'x' }, []])(
    'is not changed by %j',
    async (body) => {
      const id = await createProduct();
      expectProblem(await weir.request('PATCH', `/v1/products/${id}`, body), 400, 'REQUEST_INVALID');
    },
  );
});

describe('an order', () => {
  test('is pending at the price of its product, and answers the same when asked for', async () => {
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

  test('is made once for an Idempotency-Key, another body is a conflict', async () => {
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

  test('is made once when the same Idempotency-Key comes many times at once', async () => {
    const productId = await createProduct();
    const key = { 'idempotency-key': `key-${nextNumber()}` };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => weir.request('POST', '/v1/orders', { productId, userId: '7' }, key)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await countOrders(productId)).toBe(1);
  });

  test('gets its first answer again after it was paid', async () => {
    const productId = await createProduct();
    const key = { 'idempotency-key': `key-${nextNumber()}` };
    const create = () => weir.request('POST', '/v1/orders', { productId, userId: '7' }, key);
    const first = await create();
    expect((await pay(first.body.id)).status).toBe(201);
    expect(await create()).toMatchObject({ status: 200, body: first.body });
  });

  test('gets its first answer again after its product was disabled or deleted', async () => {
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

  test('of an unknown product answers 404, of a disabled one 422, and is not made', async () => {
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

  test('can be cancelled while it is pending, again and again, and never once it is paid', async () => {
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

  test('that nobody knows answers 404 to get and cancel', async () => {
    expectProblem(await weir.request('GET', '/v1/orders/NOBODY'), 404, 'ORDER_NOT_FOUND');
    expectProblem(await weir.request('POST', '/v1/orders/NOBODY/cancel'), 404, 'ORDER_NOT_FOUND');
  });
});

describe('the payment of an order', () => {
  test('makes one instance and marks the order paid, in that commit', async () => {
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

  test('told again answers 200 with the same body, however it is told', async () => {
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

  test('told many times at once makes one instance', async () => {
    const orderId = await createOrder(await createProduct());
    const answers = await Promise.all(Array.from({ length: 12 }, () => pay(orderId)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(11);
    expect(new Set(answers.map(({ body }) => body.instanceId)).size).toBe(1);
    expect(await countInstances(orderId)).toBe(1);
  });

  test('answers with the instance as it was created, also after the Resource Domain has built it', async () => {
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

  test('of a cancelled order answers 200 with its refund, makes nothing, and asks for it once', async () => {
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
    expect(rows).toEqual([
      { kind: 'REFUND', instance_id: null, reason: 'paid after the order was CANCELLED' },
    ]);
  });

  test('naming another product or user than the order is refused and leaves it pending', async () => {
    const [productId, other] = [await createProduct(), await createProduct()];
    const orderId = await createOrder(productId, '77');
    expectProblem(await pay(orderId, { productId: other, userId: '77' }), 409, 'ORDER_CONFLICT');
    expectProblem(await pay(orderId, { productId, userId: '78' }), 409, 'ORDER_CONFLICT');
    expect((await weir.request('GET', `/v1/orders/${orderId}`)).body.status).toBe('PENDING');
    expect(await countInstances(orderId)).toBe(0);
    await pay(orderId);
    expectProblem(await pay(orderId, { productId: other, userId: '77' }), 409, 'ORDER_CONFLICT');
  });

  test('of an order that lives elsewhere needs its product and user, and then counts once as well', async () => {
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

  test('of a product that was disabled after the order is parked and leaves the order pending', async () => {
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

describe('a purchase of any source', () => {
  test.for(['ACTIVITY', 'A', 'GIFT_2', `Z${'9'.repeat(19)}`])(
    'of source %s makes one instance',
    async (source) => {
      const body = purchaseBody(await createProduct(), { source });
      const first = await buy(body);
      expect(first).toMatchObject({ status: 201, body: { ...body, scope: '', status: 'PROCESSING' } });
      expect(await buy(body)).toMatchObject({ status: 200, body: first.body });
      await weir.waitForMessage(first.body.instanceId);
    },
  );

  test('with other content answers a conflict and changes nothing', async () => {
    const [productId, other] = [await createProduct(), await createProduct()];
    const body = purchaseBody(productId);
    const first = await buy(body);
    const before = await weir.countEverything();
    expectProblem(await buy({ ...body, productId: other }), 409, 'PURCHASE_CONFLICT');
    expectProblem(await buy({ ...body, userId: '999999' }), 409, 'PURCHASE_CONFLICT');
    expect({ ...(await weir.countEverything()), heard: 0 }).toEqual({ ...before, heard: 0, outbox: 0 });
    expect((await weir.request('GET', `/v1/instances/${first.body.instanceId}`)).body).toMatchObject(
      first.body,
    );
  });

  test.for(['Ünïcode 订单 №1', '🎁'.repeat(64), ' x ', '%2F/..?#&', 'O\'Hara\\{"NULL"}'])(
    'keeps the source id %s as it came',
    async (sourceId) => {
      const body = purchaseBody(await createProduct(), { sourceId });
      const first = await buy(body);
      expect(first).toMatchObject({ status: 201, body: { sourceId } });
      const found = await weir.request(
        'GET',
        `/v1/instances?${new URLSearchParams({ sourceId, userId: body.userId })}`,
      );
      expect(found.body).toEqual({ items: [first.body], nextCursor: null });
      expect(await buy(body)).toMatchObject({ status: 200, body: first.body });
    },
  );

  test('of an unknown product answers 404, of a disabled one 422, and makes nothing', async () => {
    const disabled = await createProduct({ enabled: false });
    const before = await weir.countEverything();
    expectProblem(await buy(purchaseBody('4999')), 404, 'PRODUCT_NOT_FOUND');
    expectProblem(await buy(purchaseBody(disabled)), 422, 'PRODUCT_DISABLED');
    expect(await weir.countEverything()).toEqual(before);
  });

  test('gets its first answer after its product was disabled, and after it was deleted', async () => {
    const productId = await createProduct();
    const [gift, order] = [purchaseBody(productId), await createOrder(productId, '77')];
    const [firstGift, firstPaid] = [await buy(gift), await pay(order)];
    for (const statement of [
      'UPDATE products SET enabled = false WHERE id = $1',
      'DELETE FROM products WHERE id = $1',
    ]) {
      await weir.database.query(statement, [productId]);
      expect(await buy(gift)).toMatchObject({ status: 200, body: firstGift.body });
      expect(await pay(order)).toMatchObject({ status: 200, body: firstPaid.body });
      expectProblem(await buy({ ...gift, userId: '999999' }), 409, 'PURCHASE_CONFLICT');
    }
  });

  test('is published with the product as it stands now, also when psql changed it', async () => {
    const productId = await createProduct();
    const hear = async () => {
      const { body } = await buy(purchaseBody(productId));
      return fromBinary(EventSchema, (await weir.waitForMessage(body.instanceId)).content);
    };
    expect((await hear()).spec).toMatchObject({
      cpus: 4,
      memoryMb: 16384,
      gpu: 1,
      image: 'ubuntu-22.04-cuda',
    });
    await weir.database.query(
      "UPDATE products SET name = 'Größer!', cpus = 96, memory_mb = 2147483647, gpu = 0, image = 'debian-13' WHERE id = $1",
      [productId],
    );
    const event = await hear();
    expect(event.spec).toMatchObject({ cpus: 96, memoryMb: 2147483647, gpu: 0, image: 'debian-13' });
    expect(event.name).toBe(`gr-er-${event.instanceId}`);
    await weir.database.query('UPDATE products SET enabled = false WHERE id = $1', [productId]);
    expectProblem(await buy(purchaseBody(productId)), 422, 'PRODUCT_DISABLED');
    await weir.database.query('UPDATE products SET enabled = true WHERE id = $1', [productId]);
    expect((await hear()).spec).toMatchObject({ cpus: 96 });
  });

  test('carries the trace of whoever asked to the queue, and nothing that is not one', async () => {
    const productId = await createProduct();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const traced = await weir.request('POST', '/v1/instances', purchaseBody(productId), { traceparent });
    expect((await weir.waitForMessage(traced.body.instanceId)).properties.headers).toEqual({ traceparent });
    const nonsense = await weir.request('POST', '/v1/instances', purchaseBody(productId), {
      traceparent: 'x'.repeat(4000),
    });
    expect((await weir.waitForMessage(nonsense.body.instanceId)).properties.headers ?? {}).toEqual({});
  });
});

describe('the list of instances', () => {
  test('shows each row exactly once, newest first, whatever the filter and the size of the pages', async () => {
    const [productA, productB] = [await createProduct(), await createProduct()];
    for (let i = 0; i < 7; i++) {
      const change = { source: i % 2 ? 'GIFT' : 'PRIZE', userId: `${8800 + (i % 3)}` };
      expect((await buy(purchaseBody(i < 4 ? productA : productB, change))).status).toBe(201);
    }
    await weir.database.query(
      "UPDATE instance_logs SET status = 'FAILED' WHERE source = 'GIFT' AND user_id = 8800",
    );
    await weir.database.query("UPDATE instance_logs SET status = 'SUCCESS' WHERE source = 'PRIZE'");
    const filters: [string, string][] = [
      ['', 'TRUE'],
      ['source=GIFT', "source = 'GIFT'"],
      [`productId=${productA}`, `product_id = ${productA}`],
      ['userId=8801', 'user_id = 8801'],
      ['status=SUCCESS', "status = 'SUCCESS'"],
      [
        `source=PRIZE&userId=8800&productId=${productB}&status=SUCCESS`,
        `source = 'PRIZE' AND user_id = 8800 AND product_id = ${productB}`,
      ],
      ['source=NOBODY', 'FALSE'],
    ];
    for (const [query, condition] of filters) {
      const { rows } = await weir.database.query(
        `SELECT instance_id::text AS id FROM instance_logs WHERE ${condition} ORDER BY instance_logs.id DESC`,
      );
      const wanted = rows.map(({ id }) => id);
      for (const limit of [1, 3, 500])
        expect(await listAll(`/v1/instances?${query}`, limit, 'instanceId')).toEqual(wanted);
    }
  });

  test('goes on where it stood when new rows come between two pages', async () => {
    const productId = await createProduct();
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.unshift((await buy(purchaseBody(productId))).body.instanceId);
    const first = (await weir.request('GET', `/v1/instances?productId=${productId}&limit=2`)).body;
    await buy(purchaseBody(productId));
    const second = (
      await weir.request('GET', `/v1/instances?productId=${productId}&limit=2&cursor=${first.nextCursor}`)
    ).body;
    expect([...first.items, ...second.items].map(({ instanceId }) => instanceId)).toEqual(ids);
    expect(second.nextCursor).toBeNull();
  });

  test('agrees with the instance by itself, and an unknown one answers 404', async () => {
    const { body } = await buy(purchaseBody(await createProduct()));
    expect(await weir.request('GET', `/v1/instances/${body.instanceId}`)).toMatchObject({
      status: 200,
      body,
    });
    for (const id of ['1', largest, aboveLargest, '0', 'abc']) {
      expectProblem(await weir.request('GET', `/v1/instances/${id}`), 404, 'INSTANCE_NOT_FOUND');
    }
  });
});

test('the list of sales shows each exactly once, in order of product id, whatever the size of the pages', async () => {
  for (let i = 0; i < 3; i++) {
    await weir.request('POST', '/v1/sales', { productId: await createProduct(), stock: 1 });
  }
  const wanted = (await weir.redis.smembers('weir:sales')).map((stream) => Number(stream.split(':')[2]));
  wanted.sort((a, b) => a - b);
  expect(wanted.length).toBeGreaterThanOrEqual(3);
  for (const limit of [1, 2, 500]) {
    expect(await listAll('/v1/sales', limit, 'productId')).toEqual(wanted.map(String));
  }
});

describe('the statistics', () => {
  test('count what the table holds, with the rate of success in per cent', async () => {
    const productId = await createProduct();
    for (let i = 0; i < 3; i++) await buy(purchaseBody(productId, { source: 'STATS' }));
    await weir.database.query(
      "UPDATE instance_logs SET status = 'SUCCESS' WHERE source = 'STATS' AND id IN (SELECT min(id) FROM instance_logs WHERE source = 'STATS')",
    );
    await weir.database.query(
      "UPDATE instance_logs SET status = 'FAILED' WHERE source = 'STATS' AND id IN (SELECT max(id) FROM instance_logs WHERE source = 'STATS')",
    );
    const { body } = await weir.request('GET', '/v1/stats/sources');
    expect(body.items.find(({ source }: { source: string }) => source === 'STATS')).toEqual({
      source: 'STATS',
      total: '3',
      success: '1',
      failed: '1',
      processing: '1',
      successRate: '33.33',
    });
  });

  test('show a trend that adds up to the rows of its minutes', async () => {
    const productId = await createProduct();
    const old = await buy(purchaseBody(productId, { source: 'TREND' }));
    await weir.database.query(
      "UPDATE instance_logs SET created_at = now() - interval '90 minutes' WHERE instance_id = $1",
      [old.body.instanceId],
    );
    await buy(purchaseBody(productId, { source: 'TREND' }));
    const total = async (query: string) => {
      const { items } = (await weir.request('GET', `/v1/stats/trend${query}`)).body;
      return (items as { source: string; count: string }[])
        .filter(({ source }) => source === 'TREND')
        .reduce((sum, { count }) => sum + Number(count), 0);
    };
    expect(await total('')).toBe(1);
    expect(await total('?minutes=120')).toBe(2);
  });
});

describe('the service itself', () => {
  test('describes every route that it answers', async () => {
    const { status, body } = await weir.request('GET', '/openapi.json');
    expect(status).toBe(200);
    const routes = Object.entries(body.paths as Record<string, object>)
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
      .sort();
    expect(routes).toEqual(
      [
        'POST /v1/products',
        'GET /v1/products',
        'GET /v1/products/{id}',
        'PATCH /v1/products/{id}',
        'POST /v1/orders',
        'GET /v1/orders/{orderId}',
        'POST /v1/orders/{orderId}/paid',
        'POST /v1/orders/{orderId}/cancel',
        'POST /v1/instances',
        'GET /v1/instances',
        'GET /v1/instances/{id}',
        'GET /v1/stats/sources',
        'GET /v1/stats/trend',
        'GET /v1/now',
        'GET /v1/try',
        'GET /v1/now/stream',
        'GET /v1/parked',
        'GET /v1/parked/{id}',
        'POST /v1/parked/{id}/replay',
        'POST /v1/parked/{id}/discard',
        'POST /v1/parked/replay',
        'POST /v1/parked/discard',
        'GET /v1/audit',
        'POST /v1/audit/accept',
        'POST /v1/sales',
        'GET /v1/sales/{productId}',
        'PATCH /v1/sales/{productId}',
        'GET /v1/sales',
        'POST /v1/sales/{productId}/restock',
        'POST /v1/sales/{productId}/buy',
        'POST /v1/sales/{productId}/tickets',
        'GET /v1/sales/{productId}/ticket',
        'GET /v1/sales/{productId}/tickets/{ticket}',
        'GET /v1/sales/{productId}/purchases/{streamId}',
        'POST /v1/instances/{id}/result',
        'POST /v1/instances/{id}/retry',
        'POST /v1/instances/{id}/release',
        'POST /v1/orders/{orderId}/refunded',
        'POST /v1/orders/{orderId}/refund-again',
        'POST /v1/keys',
        'GET /v1/keys',
        'DELETE /v1/keys/{id}',
        'POST /v1/session',
        'GET /v1/session',
        'DELETE /v1/session',
        'GET /healthz',
        'GET /metrics',
        'GET /openapi.json',
        'GET /readyz',
      ].sort(),
    );
    // A stream of events has no end to wait for.
    for (const route of routes.filter((each) => !each.endsWith('/stream'))) {
      const [method = '', path = ''] = route.split(' ');
      const answer = await weir.request(
        method,
        path.replace(/\{\w+\}/, '1'),
        method === 'POST' ? {} : undefined,
      );
      expect(answer.body.code, route).not.toBe('NOT_FOUND');
    }
  });

  test('says that it lives, that it is ready, and what it has done', async () => {
    expect(await weir.request('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await weir.request('GET', '/readyz')).toMatchObject({
      status: 200,
      body: { status: 'ready', database: 'ok', streams: 'ok', queue: 'ok' },
    });
    const read = async () => {
      const { body } = await weir.request('GET', '/metrics');
      return Number(/^weir_instances_created_total\{source="METRIC"\} (\d+)$/m.exec(body)?.[1] ?? 0);
    };
    const productId = await createProduct();
    expect(await read()).toBe(0);
    const purchase = purchaseBody(productId, { source: 'METRIC' });
    await buy(purchase);
    await buy(purchase);
    expect(await read()).toBe(1);
  });

  test('has a page at / that loads nothing from elsewhere', async () => {
    const page = await sendRaw(weir.url, 'GET', '/', {});
    expect(page).toMatchObject({ status: 200, contentType: expect.stringContaining('text/html') });
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.text).not.toMatch(/(src|href)="(https?:)?\/\//);
  });
});

interface BadRequest {
  title: string;
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: unknown;
  status?: number;
  code?: string;
}

const json = { 'content-type': 'application/json' };
const purchase = { source: 'ACTIVITY', sourceId: 'BAD1', productId: '1', userId: '1' };
const product = { id: '1', name: 'x', cpus: 1, memoryMb: 1, image: 'x' };
const order = { productId: '1', userId: '1' };
const without = <T extends object>(body: T, name: keyof T) => ({ ...body, [name]: undefined });
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;

const badBodies: BadRequest[] = [
  { title: 'an empty body', body: '' },
  { title: 'an array', body: [] },
  { title: 'a string', body: '"text"' },
  { title: 'null', body: 'null' },
  { title: 'cut JSON', body: '{"source":' },
  { title: 'two documents', body: '{}{}' },
  { title: 'broken UTF-8', body: Buffer.from('7b22736f75726365223a22ff227d', 'hex') },
  { title: 'gzip', body: Buffer.from('1f8b0800', 'hex') },
  { title: 'JSON 100,000 levels deep', body: nested(100_000), status: 413 },
  { title: 'JSON 30,000 levels deep', body: nested(30_000) },
  { title: 'a field 30,000 levels deep', body: `{"source":${nested(30_000)}}` },
  { title: 'a body above 64 KiB', body: { ...purchase, sourceId: 'x'.repeat(70_000) }, status: 413 },
  { title: 'an unknown field', body: { ...purchase, color: 'red' } },
  {
    title: 'a scope for a source without one',
    body: { ...purchase, scope: 'stream:seckill:1' },
    code: 'SCOPE_INVALID',
  },
  {
    title: '__proto__',
    body: `{"__proto__":{"productId":"1"},"source":"ACTIVITY","sourceId":"BAD1","userId":"1"}`,
  },
  {
    title: '__proto__ beside all that is needed',
    body: `{"__proto__":{},${JSON.stringify(purchase).slice(1)}`,
  },
  { title: 'constructor', body: { ...purchase, constructor: { prototype: {} } } },
  ...(['source', 'sourceId', 'productId', 'userId'] as const).flatMap((name): BadRequest[] => [
    { title: `no ${name}`, body: without(purchase, name) },
    { title: `a number as ${name}`, body: { ...purchase, [name]: 1 } },
    { title: `null as ${name}`, body: { ...purchase, [name]: null } },
    { title: `a list as ${name}`, body: { ...purchase, [name]: ['1'] } },
    { title: `nothing as ${name}`, body: { ...purchase, [name]: '' } },
  ]),
  ...(['productId', 'userId'] as const).flatMap((name): BadRequest[] => [
    ...['0', '-1', '1e3', '01', '+1', ' 1', '1.0', '0x1', '١', '99999999999999999999'].map((value) => ({
      title: `${name} ${value}`,
      body: { ...purchase, [name]: value },
    })),
    {
      title: `${name} 2^63`,
      body: { ...purchase, [name]: aboveLargest },
      code: name === 'userId' ? 'USER_ID_INVALID' : 'PRODUCT_ID_INVALID',
    },
  ]),
  ...['activity', '1ST', '_X', 'A-B', 'A B', 'Ä', `A${'9'.repeat(20)}`, 'A\n'].map((source) => ({
    title: `source ${JSON.stringify(source)}`,
    body: { ...purchase, source },
  })),
  { title: 'a source id of 65 characters', body: { ...purchase, sourceId: 'x'.repeat(65) } },
  ...['\0', 'a\0b', 'a\nb', '\u200b', '\ud800', '   '].map((sourceId) => ({
    title: `source id ${JSON.stringify(sourceId)}`,
    body: { ...purchase, sourceId },
    code: 'SOURCE_ID_INVALID',
  })),
].map((bad) => ({ ...bad, method: 'POST', path: '/v1/instances' }));

const badProducts: BadRequest[] = [
  ...(['id', 'name', 'cpus', 'memoryMb', 'image'] as const).map((name) => ({
    title: `no ${name}`,
    body: without(product, name),
  })),
  ...Object.entries({
    id: [1, '0', '-1', 'x', '99999999999999999999'],
    name: ['', 7, null, 'x'.repeat(101), 'a\0b', 'a\ud800b'],
    cpus: [0, -1, 1.5, '1', 2147483648, 1e300],
    memoryMb: [0, '1', 2147483648],
    gpu: [-1, 0.5, '0', 2147483648],
    image: ['', 'x'.repeat(201), 5, 'a\0b'],
    priceCents: [100, '-1', '01', '1.5', '9999999999999999999'],
    enabled: ['true', 1, null],
  }).flatMap(([name, values]) =>
    values.map((value) => ({
      title: `${name} ${JSON.stringify(value).slice(0, 30)}`,
      body: { ...product, [name]: value },
    })),
  ),
  { title: 'id 2^63', body: { ...product, id: aboveLargest }, code: 'PRODUCT_ID_INVALID' },
  { title: 'an unknown field', body: { ...product, price: 1 } },
].map((bad) => ({ ...bad, method: 'POST', path: '/v1/products', title: `a product with ${bad.title}` }));

const badOrders: BadRequest[] = [
  { title: 'an order with a number as userId', path: '/v1/orders', body: { ...order, userId: 1 } },
  { title: 'an order without a product', path: '/v1/orders', body: without(order, 'productId') },
  { title: 'an order with an unknown field', path: '/v1/orders', body: { ...order, amountCents: '1' } },
  {
    title: 'an order of user 2^63',
    path: '/v1/orders',
    body: { ...order, userId: aboveLargest },
    code: 'USER_ID_INVALID',
  },
  { title: 'an order without a body', path: '/v1/orders', body: undefined },
  {
    title: 'an Idempotency-Key of 256 characters',
    path: '/v1/orders',
    headers: { ...json, 'idempotency-key': 'x'.repeat(256) },
    body: order,
  },
  {
    title: 'an empty Idempotency-Key',
    path: '/v1/orders',
    headers: { ...json, 'idempotency-key': '' },
    body: order,
  },
  ...(
    [
      ['a list', []],
      ['a string', '"1"'],
      ['a number', '1'],
      ['cut JSON', '{'],
      ['a product without a user', { productId: '1' }],
      ['a user without a product', { userId: '1' }],
      ['a number as userId', { productId: '1', userId: 1 }],
      ['an unknown field', { amount: '1' }],
      ['__proto__', '{"__proto__":{}}'],
      ['another order', { orderId: 'OTHER' }],
      ['a user that is 0', { productId: '1', userId: '0' }],
      ['a body 30,000 levels deep', nested(30_000)],
      ['a body above 64 KiB', { productId: 'x'.repeat(70_000) }],
    ] as [string, unknown][]
  ).map(([title, body]) => ({
    title: `a payment with ${title}`,
    path: '/v1/orders/BAD/paid',
    body,
    ...(title.includes('64 KiB') ? { status: 413 } : {}),
    ...(title.includes('is 0') ? { code: 'USER_ID_INVALID' } : {}),
  })),
  {
    title: 'a payment of an order id of 65 characters',
    path: `/v1/orders/${'x'.repeat(65)}/paid`,
    body: order,
    code: 'SOURCE_ID_INVALID',
  },
  {
    title: 'a payment of an order id with a NUL',
    path: '/v1/orders/a%00b/paid',
    body: order,
    code: 'SOURCE_ID_INVALID',
  },
  {
    title: 'a payment of an order id of blanks',
    path: '/v1/orders/%20%20/paid',
    body: order,
    code: 'SOURCE_ID_INVALID',
  },
  {
    title: 'the cancelling of an order id with a line feed',
    path: '/v1/orders/a%0Ab/cancel',
    code: 'SOURCE_ID_INVALID',
  },
].map((bad) => ({ ...bad, method: 'POST' }));

const badQueries: BadRequest[] = [
  ...['/v1/instances', '/v1/products', '/v1/parked', '/v1/sales'].flatMap((path) =>
    [
      'limit=0',
      'limit=-1',
      'limit=abc',
      'limit=1.5',
      'limit=',
      'limit=1000',
      'limit=1&limit=2',
      'cursor=abc',
      'cursor=-1',
      'cursor=',
      'cursor=9999999999999999999',
      'cursor=99999999999999999999',
      'cursor=1%00',
      'cursor=1&cursor=2',
    ].map((query) => ({ title: `${path}?${query}`, path: `${path}?${query}` })),
  ),
  ...[
    'productId=0',
    'userId=x',
    'source=lower',
    'sourceId=',
    `sourceId=${'x'.repeat(65)}`,
    'status=DONE',
    'status=processing',
    'nonsense=1',
    '__proto__=1',
  ].map((query) => ({ title: `/v1/instances?${query}`, path: `/v1/instances?${query}` })),
  ...['minutes=0', 'minutes=abc', 'minutes=10081', 'minutes=999999', 'minutes=1&minutes=2'].map((query) => ({
    title: `/v1/stats/trend?${query}`,
    path: `/v1/stats/trend?${query}`,
  })),
  ...[
    { query: `productId=${aboveLargest}`, code: 'PRODUCT_ID_INVALID' },
    { query: 'userId=9999999999999999999', code: 'USER_ID_INVALID' },
    { query: 'sourceId=%00', code: 'SOURCE_ID_INVALID' },
    { query: 'sourceId=a%00b', code: 'SOURCE_ID_INVALID' },
  ].map(({ query, code }) => ({ title: `/v1/instances?${query}`, path: `/v1/instances?${query}`, code })),
  { title: 'a product id of letters', path: '/v1/products/abc', code: 'PRODUCT_ID_INVALID' },
  { title: 'product 0', path: '/v1/products/0', code: 'PRODUCT_ID_INVALID' },
  { title: 'product 2^63', path: `/v1/products/${aboveLargest}`, code: 'PRODUCT_ID_INVALID' },
  { title: 'an order id with a NUL', path: '/v1/orders/a%00b', code: 'SOURCE_ID_INVALID' },
  { title: 'a path that is not UTF-8', path: '/v1/orders/%ff' },
  { title: 'a path with half an escape', path: '/v1/orders/%e' },
];

const badEnvelopes: BadRequest[] = [
  { title: 'text/plain', headers: { 'content-type': 'text/plain' }, body: purchase, status: 415 },
  {
    title: 'a form',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'source=A',
    status: 415,
  },
  { title: 'a body of no type', headers: { 'content-length': '2' }, body: '{}', status: 415 },
  { title: 'a type that is nonsense', headers: { 'content-type': '/;=' }, body: '{}', status: 415 },
  {
    title: 'the Host of somebody else',
    headers: { ...json, host: 'evil.example' },
    body: purchase,
    status: 421,
    code: 'HOST_NOT_ALLOWED',
  },
  {
    title: 'a Host that begins like ours',
    headers: { ...json, host: '127.0.0.1.evil.example' },
    body: purchase,
    status: 421,
    code: 'HOST_NOT_ALLOWED',
  },
  {
    title: 'the Origin of another site',
    headers: { ...json, origin: 'https://evil.example' },
    body: purchase,
    status: 403,
    code: 'ORIGIN_NOT_ALLOWED',
  },
  {
    title: 'the Origin null',
    headers: { ...json, origin: 'null' },
    body: purchase,
    status: 403,
    code: 'ORIGIN_NOT_ALLOWED',
  },
  {
    title: 'our own Origin on another port',
    headers: { ...json, origin: 'http://127.0.0.1:1' },
    body: purchase,
    status: 403,
    code: 'ORIGIN_NOT_ALLOWED',
  },
].map((bad) => ({ ...bad, method: 'POST', path: '/v1/instances' }));

const badAddresses: BadRequest[] = [
  { title: 'a path that is nowhere', path: '/v1/nothing', status: 404, code: 'NOT_FOUND' },
  {
    title: 'a method that is not there',
    method: 'DELETE',
    path: '/v1/products/1',
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
  },
  {
    title: 'a path of 300 characters',
    path: `/v1/orders/${'x'.repeat(300)}`,
    status: 404,
    code: 'NOT_FOUND',
  },
  {
    title: 'a way out of the folder of the page',
    path: '/..%2f..%2fpackage.json',
    status: 404,
    code: 'NOT_FOUND',
  },
];

describe('bad input gets a clear answer and leaves nothing behind', () => {
  const cases = [...badBodies, ...badProducts, ...badOrders, ...badQueries, ...badEnvelopes, ...badAddresses];

  test.for(cases)('$title', async (bad) => {
    const { method = 'GET', path = '/', body, status = 400, code = 'REQUEST_INVALID' } = bad;
    const before = await weir.countEverything();
    const headers = bad.headers ?? (body === undefined ? {} : json);
    const answer = await sendRaw(weir.url, method, path, headers, toBytes(body));
    expect(readProblem(answer)).toMatchObject({
      contentType: expect.stringMatching(/^application\/problem\+json/),
      status,
      body: { status, code, type: expect.any(String), title: expect.any(String), detail: expect.any(String) },
    });
    expect(await weir.countEverything()).toEqual(before);
  });

  test('nor was any of it logged as a failure of ours', async () => {
    expect(weir.lines.filter(({ msg }) => msg === 'request failed')).toEqual([]);
    expect((await weir.request('GET', '/readyz')).status).toBe(200);
  });

  test('while a page of ours may call us by every loopback name', async () => {
    const { port } = new URL(weir.url);
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'localhost']) {
      const answer = await sendRaw(weir.url, 'GET', '/v1/products', { host, origin: `http://${host}` });
      expect(answer.status, host).toBe(200);
    }
  });
});

function toBytes(body: unknown): Buffer | string | undefined {
  return body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
    ? body
    : JSON.stringify(body);
}

function readProblem({ status, contentType, text }: RawAnswer) {
  try {
    return { status, contentType, body: JSON.parse(text) };
  } catch {
    return { status, contentType, body: text };
  }
}

async function listAll(path: string, limit: number, name: string): Promise<string[]> {
  const seen: string[] = [];
  const separator = path.includes('?') ? '&' : '?';
  let cursor: string | null = null;
  do {
    const { status, body }: HttpAnswer = await weir.request(
      'GET',
      `${path}${separator}limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`,
    );
    expect(status).toBe(200);
    expect(body.items.length).toBeLessThanOrEqual(limit);
    seen.push(...body.items.map((item: Record<string, string>) => item[name]));
    cursor = body.nextCursor;
  } while (cursor !== null);
  return seen;
}

async function countInstances(sourceId: string): Promise<number> {
  const { rows } = await weir.database.query(
    'SELECT count(*)::int AS count FROM instance_logs WHERE source_id = $1',
    [sourceId],
  );
  return rows[0].count;
}

async function countOrders(...productIds: string[]): Promise<number> {
  const { rows } = await weir.database.query(
    'SELECT count(*)::int AS count FROM orders WHERE product_id = ANY ($1)',
    [productIds],
  );
  return rows[0].count;
}

describe('a request that the schema refuses is told in words', () => {
  const sale = { productId: '1001', stock: 5 };
  test.for([
    ['/v1/instances?limit=0', 'limit must be 1 to 500, not 0'],
    ['/v1/instances?limit=501', 'limit must be 1 to 500, not 501'],
    ['/v1/stats/trend?minutes=-5', /^minutes must be 1 to 10080.*, not -5$/],
    ['/v1/instances?productId=abc', 'productId must be an integer from 1 to 9223372036854775807, not abc'],
    ['/v1/instances?userId=', 'userId must be an integer from 1 to 9223372036854775807, not ""'],
    ['/v1/parked?reason=nope', 'reason must be a code such as PRODUCT_NOT_FOUND, not nope'],
    ['/v1/parked?state=GONE', 'state must be PARKED, REPLAYED, DISCARDED or ALL, not GONE'],
    ['/v1/instances?source=%F0%9F%98%80', /^source must be 1 to 20 of A-Z, 0-9 and _, .*, not 😀$/],
    [
      `/v1/instances?sourceId=${'x'.repeat(99)}`,
      `sourceId must be 1 to 64 characters, not ${'x'.repeat(40)}…`,
    ],
    ['/v1/instances?from=soon', 'from must be a time with its zone, such as 2026-11-27T20:00:00Z, not soon'],
    ['/v1/stats/trend?from=2026-11-27T20:00:00Z&to=2026-11-26T20:00:00Z', 'from must be before to'],
    ['/v1/now?secs=5', 'secs is not known here'],
    ['/v1/sales', 'the body must be an object, not null', null],
    ['/v1/sales', 'stock is missing', { productId: '1001' }],
    ['/v1/sales', 'productId must be text such as "1001", not 7', { ...sale, productId: 7 }],
    ['/v1/sales', 'stock must be 1 to 2147483647, not 0', { ...sale, stock: 0 }],
    ['/v1/sales', 'admitPerSecond must be above 0, at most 1000000, not 0', { ...sale, admitPerSecond: 0 }],
    ['/v1/parked/discard', 'reason must be more than blanks, not "  "', { ids: ['1'], reason: '  ' }],
    ['/v1/parked/replay', 'ids.0 must be the id of a parked item, not x', { ids: ['x'] }],
    ['/v1/parked/replay', 'ids must be 1 to 500 items', { ids: [] }],
    // A key that is not accepted is not for a log either.
    ['/v1/session', 'key must be 1 to 512 characters', { key: 'k'.repeat(513) }],
  ] as [string, string | RegExp, object | null | undefined][])('%s: %s', async ([path, detail, body]) => {
    const method = body === undefined ? 'GET' : 'POST';
    const answer = await weir.request(method, path, body);
    expectProblem(answer, 400, 'REQUEST_INVALID');
    expect(answer.body.detail).toEqual(typeof detail === 'string' ? detail : expect.stringMatching(detail));
  });
});
