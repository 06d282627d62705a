import { beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../support/run-here.ts';
import { shareWeir } from './share-weir.ts';

const secret = `whsec_${Buffer.from('the secret of the payer').toString('base64')}`;
const weir = shareWeir({
  WEIR_SERVER_HTTP_WEBHOOKSECRETS: secret,
  WEIR_RESOURCE_SIMULATE: 'false',
});
const keys = { admin: '', act: '', read: '' };
const bearer = (name: keyof typeof keys) => ({ authorization: `Bearer ${keys[name]}` });
const request = (method: string, path: string, body?: unknown, name: keyof typeof keys = 'act') =>
  weir.request(method, path, body, bearer(name));

beforeAll(async () => {
  for (const name of ['admin', 'act', 'read'] as const) {
    const headers = keys.admin === '' ? {} : bearer('admin');
    const made = await weir.request('POST', '/v1/keys', { name: `the-${name}`, scope: name }, headers);
    keys[name] = made.body.key;
  }
  const product = {
    id: '1001',
    name: 'GPU Small',
    cpus: 4,
    memoryMb: 16384,
    image: 'ubuntu',
    priceCents: '500',
  };
  expect((await request('POST', '/v1/products', product, 'admin')).status).toBe(201);
});

/** Like an operator's terminal: a key of scope act, and no webhook secret. */
const run = (...args: string[]) => runHere([...args, '--url', weir.url], { WEIR_KEY: keys.act });
const pay = (orderId: string, ...args: string[]) =>
  runHere(['orders', 'paid', orderId, ...args, '--url', weir.url], {
    WEIR_SERVER_HTTP_WEBHOOKSECRETS: secret,
  });

async function createOrder(userId = '7'): Promise<string> {
  return (await request('POST', '/v1/orders', { productId: '1001', userId })).body.id;
}

/** Cancelled, then paid. */
async function createOwedOrder(): Promise<string> {
  const id = await createOrder();
  await request('POST', `/v1/orders/${id}/cancel`);
  expect((await pay(id, '--payment-id', `PAY-${id}`)).code).toBe(0);
  return id;
}

describe('marking a refund as made', () => {
  const mark = (id: string, body: unknown, name: keyof typeof keys = 'act') =>
    request('POST', `/v1/orders/${id}/mark-refunded`, body, name);

  test('an operator marks a refund with a key and a reason, and needs no signature', async () => {
    const id = await createOwedOrder();
    const marked = await mark(id, { reason: 're_77 at the payer' });
    expect(marked).toMatchObject({ status: 200, body: { orderId: id, refundedAt: expect.any(String) } });
    expect(await mark(id, { reason: 'another one' })).toMatchObject({ status: 200, body: marked.body });
    const order = (await request('GET', `/v1/orders/${id}`)).body;
    expect(order.status).toBe('REFUNDED');
    expect(order.timeline).toContainEqual(
      expect.objectContaining({
        ...{ code: 'REFUNDED', by: 'the-act' },
        params: expect.objectContaining({ note: 're_77 at the payer' }),
      }),
    );
    const { items } = (await request('GET', `/v1/activity?subjectId=${id}&action=ORDER_REFUNDED`)).body;
    expect(items).toMatchObject([
      { actor: 'the-act', before: { refundedAt: null }, after: { reason: 're_77 at the payer' } },
    ]);
  });

  test('the refund callback stays closed to a key without a signature', async () => {
    const id = await createOwedOrder();
    const report = { orderId: id, refunded: true };
    expect((await request('POST', `/v1/orders/${id}/refunded`, report, 'admin')).status).toBe(401);
    expect((await mark(id, { reason: 'a test' }, 'read')).status).toBe(403);
    const nobody = await weir.request('POST', `/v1/orders/${id}/mark-refunded`, { reason: 'a test' });
    expect(nobody.status).toBe(401);
    expect((await request('GET', `/v1/orders/${id}`)).body.status).toBe('REFUND_REQUESTED');
  });

  test('a reason is required, and what owes no refund is not marked', async () => {
    const id = await createOrder();
    for (const body of [{}, { reason: '' }, { reason: ' ' }, { reason: 'x', refunded: true }]) {
      expect(await mark(id, body)).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
    }
    expect(await mark(id, { reason: 'a test' })).toMatchObject({
      status: 409,
      body: { code: 'ORDER_NOT_REFUNDABLE' },
    });
    expect((await mark('NOBODY', { reason: 'a test' })).status).toBe(404);
  });

  test('of an order that was paid twice the named payment is marked, by its operator', async () => {
    const id = await createOrder();
    for (const paymentId of ['FIRST', 'SECOND']) await pay(id, '--payment-id', paymentId);
    expect((await mark(id, { reason: 'a test', paymentId: 'FIRST' })).status).toBe(409);
    expect(await mark(id, { reason: 'paid twice', paymentId: 'SECOND' })).toMatchObject({
      status: 200,
      body: { paymentId: 'SECOND' },
    });
    const order = (await request('GET', `/v1/orders/${id}`)).body;
    expect(order.status).toBe('PAID');
    expect(
      order.payments.map(({ refundedAt }: { refundedAt: string | null }) => refundedAt !== null),
    ).toEqual([false, true]);
  });
});

describe('weir orders', () => {
  test('orders list shows what the filter lets through, as a table and as JSON', async () => {
    const [first, second] = [await createOrder('71'), await createOrder('72')];
    const ids = async (...args: string[]) => {
      const { code, stdout } = await run('orders', 'list', ...args, '--json');
      expect(code).toBe(0);
      return JSON.parse(stdout).items.map(({ id }: { id: string }) => id);
    };
    expect((await ids()).slice(0, 2)).toEqual([second, first]);
    expect(await ids('--limit', '1')).toEqual([second]);
    expect(await ids('--user', '71', '--product', '1001', '--status', 'pending')).toEqual([first]);
    expect(await ids('--from', '2099-01-01T00:00:00Z')).toEqual([]);
    expect((await pay(first, '--payment-id', 'PAY-LIST')).code).toBe(0);
    expect(await ids('--payment-id', 'PAY-LIST')).toEqual([first]);
    const table = (await run('orders', 'list', '--user', '72')).stdout;
    expect(table).toMatch(/^ORDER +STATUS +CENTS +INSTANCE +CREATED +USER +PRODUCT\n/);
    expect(table).toMatch(new RegExp(`^${second} +PENDING +500 +- +\\S+Z +72 +1001$`, 'm'));
    expect((await run('orders', 'list', '--user', '404')).stdout).toBe('no orders\n');
    const lines = (await run('orders', 'list', '--all', '--ndjson')).stdout.trimEnd().split('\n');
    expect(lines.length).toBe(await weir.count('orders'));
  });

  test('orders refunds lists open refunds, and those of orders kept elsewhere', async () => {
    const owed = await createOwedOrder();
    const named = ['--product', '1001', '--user', '7'];
    for (const paymentId of ['ONE', 'TWO']) {
      expect((await pay('ELSEWHERE', ...named, '--payment-id', paymentId)).code).toBe(0);
    }
    const table = (await run('orders', 'refunds')).stdout;
    expect(table).toMatch(/^ORDER +PAYMENT +CENTS +REASON +REQUESTED +INSTANCE +USER +PRODUCT\n/);
    expect(table).toMatch(/^ELSEWHERE +TWO +- +FURTHER_PAYMENT +\S+Z +\d+ +7 +1001$/m);
    expect(table).toMatch(new RegExp(`^${owed} +PAY-${owed} +500 +ORDER_CANCELLED +\\S+Z +- +7 +1001$`, 'm'));
    const ofOne = async () => (await run('orders', 'refunds', '--order', 'ELSEWHERE', '--json')).stdout;
    const [refund] = JSON.parse(await ofOne()).items;
    expect(refund).toMatchObject({ isOrderKnown: false, paymentId: 'TWO', requests: 1 });
    expect((await run('orders', 'refund-again', 'ELSEWHERE')).code).toBe(0);
    const mark = ['orders', 'mark-refunded', 'ELSEWHERE', '--payment-id', 'TWO', '--because', 're_1'];
    expect((await run(...mark)).code).toBe(0);
    expect(JSON.parse(await ofOne()).items).toEqual([]);
    expect((await run('orders', 'refunds', '--order', 'ELSEWHERE')).stdout).toBe('no open refunds\n');
  });

  test('orders show prints an order, its payments and its timeline', async () => {
    const id = await createOwedOrder();
    const { code, stdout } = await run('orders', 'show', id);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^status +REFUND_REQUESTED$/m);
    expect(stdout).toMatch(new RegExp(`^PAY-${id} +REFUND `, 'm'));
    expect(stdout).toMatch(/REFUND_REQUESTED +.*cause: PAID_LATE/);
    const shown = JSON.parse((await run('orders', 'show', id, '--json')).stdout);
    expect(shown).toEqual((await request('GET', `/v1/orders/${id}`)).body);
    expect((await run('orders', 'show', 'NOBODY')).code).toBe(4);
  });

  test('orders cancel and mark-refunded need an operator key alone', async () => {
    const id = await createOrder();
    expect(await run('orders', 'cancel', id)).toMatchObject({ code: 0, stdout: `Cancelled order ${id}\n` });
    await pay(id);
    const because = ['--because', 're_78 at the payer'];
    expect(await run('orders', 'mark-refunded', id, ...because)).toMatchObject({
      code: 0,
      stdout: `Marked order ${id} as refunded\n`,
    });
    expect((await run('orders', 'show', id)).stdout).toContain('note: re_78 at the payer');
    expect((await run('orders', 'cancel', id)).code).toBe(1);
    expect((await run('orders', 'mark-refunded', 'NOBODY', ...because)).code).toBe(4);
  });
});
