import { describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { largest, openShop } from './open-shop.ts';

const { weir, productBody, createProduct, purchaseBody, buy, expectProblem, listAll } = openShop();

describe('a product', () => {
  test('a product is created once: a repeat answers the same, another body conflicts', async () => {
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

  test('a product without gpu, price and enabled has none, costs nothing and is enabled', async () => {
    const { gpu: _, priceCents: __, enabled: ___, ...least } = productBody();
    const first = await weir.request('POST', '/v1/products', least);
    expect(first).toMatchObject({ status: 201, body: { ...least, gpu: 0, priceCents: '0', enabled: true } });
    expect(await weir.request('POST', '/v1/products', least)).toMatchObject({
      status: 200,
      body: first.body,
    });
  });

  test('a product may carry the largest id there is', async () => {
    const product = productBody({ id: largest });
    expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
    expect((await weir.request('GET', `/v1/products/${largest}`)).body).toEqual(product);
  });

  test('a product is listed exactly once, in order of id, whatever the size of the pages', async () => {
    for (let i = 0; i < 5; i++) await createProduct();
    const { rows } = await weir.database.query('SELECT id::text FROM products ORDER BY id');
    const wanted = rows.map(({ id }) => id);
    expect(wanted.length).toBeGreaterThanOrEqual(5);
    for (const limit of [1, 2, 500]) expect(await listAll('/v1/products', limit, 'id')).toEqual(wanted);
  });

  test('a product that does not exist answers 404', async () => {
    expectProblem(await weir.request('GET', '/v1/products/4999'), 404, 'PRODUCT_NOT_FOUND');
    const change = { enabled: true };
    expectProblem(await weir.request('PATCH', '/v1/products/4999', change), 404, 'PRODUCT_NOT_FOUND');
  });

  test('a product that is disabled creates nothing from the next commit on', async () => {
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
    // After a purchase it is cached as enabled.
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
    'a product is not changed by %j',
    async (body) => {
      const id = await createProduct();
      expectProblem(await weir.request('PATCH', `/v1/products/${id}`, body), 400, 'REQUEST_INVALID');
    },
  );
});
