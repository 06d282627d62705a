import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { EventSchema } from '../wire/weir/v1/event_pb.ts';
import { aboveLargest, largest, openShop } from './open-shop.ts';

const { weir, createProduct, createOrder, purchaseBody, buy, pay, expectProblem, listAll } = openShop();

describe('a purchase of any source', () => {
  test.for(['ACTIVITY', 'A', 'GIFT_2', `Z${'9'.repeat(19)}`])(
    'a purchase of source %s creates one instance',
    async (source) => {
      const body = purchaseBody(await createProduct(), { source });
      const first = await buy(body);
      expect(first).toMatchObject({ status: 201, body: { ...body, scope: '', status: 'PROCESSING' } });
      expect(await buy(body)).toMatchObject({ status: 200, body: first.body });
      await weir.waitForMessage(first.body.instanceId);
    },
  );

  test('a purchase with other content answers a conflict and changes nothing', async () => {
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
    'a source id is kept as it came (case %#)',
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

  test('a purchase of an unknown product is 404, of a disabled one 422, with no effect', async () => {
    const disabled = await createProduct({ enabled: false });
    const before = await weir.countEverything();
    expectProblem(await buy(purchaseBody('4999')), 404, 'PRODUCT_NOT_FOUND');
    expectProblem(await buy(purchaseBody(disabled)), 422, 'PRODUCT_DISABLED');
    expect(await weir.countEverything()).toEqual(before);
  });

  test('a purchase repeats its first answer after its product was disabled or deleted', async () => {
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

  test('a purchase is published with its product as it stands now, also after psql', async () => {
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

  test('the trace of the caller reaches the queue, and nothing that is not one', async () => {
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
  test('the list of instances shows each row once, newest first, for every filter', async () => {
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

  test('the list of instances continues where it was when new rows come between pages', async () => {
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

  test('an instance in a list equals the single one, and an unknown one answers 404', async () => {
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

test('the list of sales shows each once, by product id, for every page size', async () => {
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
  test('the figures by source count the table, with the success rate in per cent', async () => {
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

  test('the steps of a trend add up to the rows of its minutes', async () => {
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
