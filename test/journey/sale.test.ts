import { describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { type HttpAnswer, runWeir } from '../support/weir.ts';
import { shareWeir } from './share-weir.ts';

const weir = shareWeir();
let count = 0;

async function createProduct(enabled = true): Promise<string> {
  const id = `${60_000 + ++count}`;
  const product = { id, name: 'GPU', cpus: 4, memoryMb: 1024, image: 'ubuntu', enabled };
  expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
  return id;
}

const openSale = (body: object) => weir.request('POST', '/v1/sales', body);
const readSale = async (productId: string) => (await weir.request('GET', `/v1/sales/${productId}`)).body;
const buy = (productId: string, userId: string, headers?: Record<string, string>) =>
  weir.request('POST', `/v1/sales/${productId}/buy`, { userId }, headers);

function expectProblem({ status, body }: HttpAnswer, expected: number, code: string): void {
  expect({ status, code: body.code }).toEqual({ status: expected, code });
}

describe('a flash sale', () => {
  test('a flash sale sells its units, creates an instance of each, and is sold out', async () => {
    const productId = await createProduct();
    const opened = await openSale({ productId, stock: 2 });
    expect(opened).toMatchObject({
      status: 201,
      body: {
        productId,
        stock: 2,
        sold: 0,
        remaining: 2,
        restocked: 0,
        perUserLimit: 1,
        endsAt: null,
        state: 'OPEN',
      },
    });
    expect(await openSale({ productId, stock: 2 })).toMatchObject({ status: 200, body: opened.body });
    const first = await buy(productId, '11');
    expect(first).toMatchObject({ status: 202, body: { productId, userId: '11' } });
    expect(await buy(productId, '11')).toMatchObject({ status: 200, body: first.body });
    expect((await buy(productId, '12')).status).toBe(202);
    expectProblem(await buy(productId, '13'), 409, 'SOLD_OUT');
    expect(await readSale(productId)).toMatchObject({ sold: 2, remaining: 0, state: 'SOLD_OUT' });
    const instances = await pollUntil('both to become instances', 15_000, async () => {
      const { body } = await weir.request('GET', `/v1/instances?productId=${productId}`);
      expect(body.items).toHaveLength(2);
      return body.items as { sourceId: string; userId: string; source: string }[];
    });
    expect(instances.map(({ source, sourceId, userId }) => `${source} ${sourceId} ${userId}`)).toContain(
      `SECKILL ${first.body.streamId} 11`,
    );
  });

  test('a unit of a failed instance is restocked and sold again, and the audit holds', async () => {
    const productId = await createProduct();
    await openSale({ productId, stock: 1 });
    const { streamId } = (await buy(productId, '11')).body;
    const instance = await pollUntil('the instance', 15_000, async () => {
      const { body } = await weir.request('GET', `/v1/instances?source=SECKILL&sourceId=${streamId}`);
      expect(body.items).toHaveLength(1);
      return body.items[0];
    });
    await weir.request('POST', `/v1/instances/${instance.instanceId}/result`, {
      status: 'FAILED',
      reason: 'no',
    });
    await pollUntil('the unit to be restocked', 15_000, async () =>
      expect(await readSale(productId)).toMatchObject({ sold: 0, remaining: 0, restocked: 1, state: 'OPEN' }),
    );
    expect((await buy(productId, '12')).status).toBe(202);
    await pollUntil('every sum to hold', 15_000, async () =>
      expect((await weir.request('GET', '/v1/audit')).body.ok).toBe(true),
    );
  });

  test('a buyer gets each new state of the purchase as soon as it is reached', async () => {
    const productId = await createProduct();
    await openSale({ productId, stock: 3 });
    const bought = (await Promise.all(['21', '22'].map((user) => buy(productId, user)))).map(
      ({ body }) => body,
    );
    const waitFor = async (purchase: string, after: string): Promise<HttpAnswer['body']> => {
      const { body } = await weir.request('GET', `${purchase}?after=${after}`);
      return body.state === 'WAITING' ? waitFor(purchase, 'WAITING') : body;
    };
    const [first, second] = await Promise.all(bought.map(({ purchase }) => waitFor(purchase, 'WAITING')));
    expect(first).toMatchObject({ state: 'CREATED', instance: { userId: '21', status: 'PROCESSING' } });
    const news = [waitFor(bought[0].purchase, 'CREATED'), waitFor(bought[1].purchase, 'CREATED')];
    const report = (instanceId: string, result: object) =>
      weir.request('POST', `/v1/instances/${instanceId}/result`, result);
    await report(first.instance.instanceId, { status: 'SUCCESS' });
    await report(second.instance.instanceId, { status: 'FAILED', reason: 'no capacity' });
    const [success, failed] = await Promise.all(news);
    expect(success.state).toBe('SUCCESS');
    expect(failed).toMatchObject({ state: 'FAILED', instance: { reason: 'no capacity' } });
    await pollUntil('the unit to be restocked', 15_000, async () =>
      expect((await weir.request('GET', bought[1].purchase)).body.restocked.status).toBe('RESTOCKED'),
    );
  });

  test('a buyer whose entry was parked gets the reason', async () => {
    const productId = await createProduct();
    await openSale({ productId, stock: 3 });
    await weir.database.query('UPDATE products SET enabled = FALSE WHERE id = $1', [productId]);
    const { purchase } = (await buy(productId, '31')).body;
    await pollUntil('the entry to be parked', 15_000, async () =>
      expect((await weir.request('GET', purchase)).body).toMatchObject({
        state: 'PARKED',
        reason: 'PRODUCT_DISABLED',
        advice: expect.stringContaining('Enable'),
      }),
    );
  });

  test('a flash sale with a limit above one knows repeats by their Idempotency-Key', async () => {
    const productId = await createProduct();
    await openSale({ productId, stock: 9, perUserLimit: 2 });
    const first = await buy(productId, '11', { 'idempotency-key': 'a' });
    expect(await buy(productId, '11', { 'idempotency-key': 'a' })).toMatchObject({
      status: 200,
      body: first.body,
    });
    expect((await buy(productId, '11', { 'idempotency-key': 'b' })).status).toBe(202);
    expectProblem(await buy(productId, '11', { 'idempotency-key': 'c' }), 409, 'LIMIT_REACHED');
  });

  test('a flash sale is paused, resumed, given stock and ended from the terminal', async () => {
    const productId = await createProduct();
    const cli = async (...args: string[]) => {
      const { code, stdout, stderr } = await runWeir(['sale', ...args, '--json', '--url', weir.url]);
      return { code, stderr, sale: stdout === '' ? {} : JSON.parse(stdout) };
    };
    expect(await cli('open', productId, '--stock', '1', '--limit', '3')).toMatchObject({
      code: 0,
      sale: { stock: 1, perUserLimit: 3, state: 'OPEN' },
    });
    expect((await cli('pause', productId)).sale.state).toBe('PAUSED');
    expectProblem(await buy(productId, '11'), 409, 'PAUSED');
    expect((await cli('resume', productId)).sale.state).toBe('OPEN');
    expect((await cli('add', productId, '4')).sale).toMatchObject({ stock: 5, remaining: 5 });
    expect((await cli('end', productId)).sale.state).toBe('ENDED');
    expect((await cli('end', productId)).code).toBe(0);
    expectProblem(await buy(productId, '11'), 409, 'ENDED');
    expect(await cli('add', productId, '4')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has ended'),
    });
    expect((await cli('show', '7')).code).toBe(4);
  });

  test('a flash sale that has not started sells nothing', async () => {
    const productId = await createProduct();
    const startsAt = new Date(Date.now() + 3_600_000).toISOString();
    expect((await openSale({ productId, stock: 1, startsAt })).body).toMatchObject({
      startsAt,
      state: 'SCHEDULED',
    });
    expectProblem(await buy(productId, '11'), 409, 'NOT_STARTED');
  });
});

describe('what cannot be sold', () => {
  const past = '2020-01-01T00:00:00Z';
  const [soon, later] = ['2099-01-01T00:00:00Z', '2099-01-02T00:00:00Z'];

  test.each([
    ['no stock', { stock: 0 }, 400, 'REQUEST_INVALID'],
    ['negative stock', { stock: -1 }, 400, 'REQUEST_INVALID'],
    ['stock beyond 2^31', { stock: 2 ** 31 }, 400, 'REQUEST_INVALID'],
    ['half a unit', { stock: 0.5 }, 400, 'REQUEST_INVALID'],
    ['a limit of 0', { stock: 1, perUserLimit: 0 }, 400, 'REQUEST_INVALID'],
    ['a time that is none', { stock: 1, endsAt: 'soon' }, 400, 'REQUEST_INVALID'],
    [
      'a window that ends before it starts',
      { stock: 1, startsAt: later, endsAt: soon },
      422,
      'SALE_WINDOW_INVALID',
    ],
    ['a window that is over', { stock: 1, endsAt: past }, 422, 'SALE_WINDOW_INVALID'],
  ])('the terms "%s" are refused and open no sale', async (_, body, status, code) => {
    const productId = await createProduct();
    expectProblem(await openSale({ productId, ...body }), status, code);
    expectProblem(await weir.request('GET', `/v1/sales/${productId}`), 404, 'SALE_NOT_FOUND');
  });

  test('an unknown or disabled product, and a second sale with other terms', async () => {
    expectProblem(await openSale({ productId: '5', stock: 1 }), 404, 'PRODUCT_NOT_FOUND');
    expectProblem(
      await openSale({ productId: await createProduct(false), stock: 1 }),
      422,
      'PRODUCT_DISABLED',
    );
    const productId = await createProduct();
    await openSale({ productId, stock: 1 });
    expectProblem(await openSale({ productId, stock: 2 }), 409, 'SALE_CONFLICT');
    expect(await readSale(productId)).toMatchObject({ stock: 1, remaining: 1 });
  });

  test('an invalid user and a missing sale can buy nothing', async () => {
    const productId = await createProduct();
    expectProblem(await buy(productId, '11'), 404, 'SALE_NOT_FOUND');
    await openSale({ productId, stock: 1 });
    for (const userId of ['0', '-1', 'abc', '9223372036854775808']) {
      expect((await buy(productId, userId)).status, userId).toBe(400);
    }
    expect((await weir.request('PATCH', `/v1/sales/${productId}`, {})).status).toBe(400);
    expect((await weir.request('PATCH', `/v1/sales/${productId}`, { addStock: 0 })).status).toBe(400);
    expect(await readSale(productId)).toMatchObject({ sold: 0, remaining: 1 });
  });
});
