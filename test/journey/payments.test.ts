import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { runWeir } from '../support/weir.ts';
import { sendRaw, shareWeir } from './share-weir.ts';

const secret = `whsec_${Buffer.from('the secret that is in force').toString('base64')}`;
const key = 'operator-key-of-payments';
const weir = shareWeir({ WEIR_SERVER_HTTP_WEBHOOKSECRETS: secret, WEIR_SERVER_HTTP_OPERATORKEYS: key });
const operator = { authorization: `Bearer ${key}` };
const cli = (...args: string[]) =>
  runWeir([...args, '--url', weir.url], { WEIR_SERVER_HTTP_WEBHOOKSECRETS: secret, WEIR_KEY: key });
let count = 0;

beforeAll(async () => {
  for (const id of ['1001', '1002']) {
    const product = { id, name: 'GPU Small', cpus: 4, memoryMb: 16384, image: 'ubuntu', priceCents: '500' };
    expect((await weir.request('POST', '/v1/products', product, operator)).status).toBe(201);
  }
});

async function createOrder(productId = '1001'): Promise<string> {
  const order = { productId, userId: `${++count}` };
  return (await weir.request('POST', '/v1/orders', order, operator)).body.id;
}

function pay(orderId: string, webhookId: string, more: object = {}) {
  const body = JSON.stringify({ orderId, ...more });
  const now = new Date();
  return weir.request('POST', `/v1/orders/${orderId}/paid`, body, {
    'webhook-id': webhookId,
    'webhook-timestamp': `${Math.floor(now.getTime() / 1000)}`,
    'webhook-signature': new Webhook(secret).sign(webhookId, now, body),
  });
}

const readOrder = async (id: string) =>
  (await weir.request('GET', `/v1/orders/${id}`, undefined, operator)).body;

describe('a signed payment', () => {
  test('a payment that cannot become an instance is 200, parked, logged and replayable', async () => {
    const orderId = await createOrder('1002');
    const enable = (enabled: boolean) => weir.request('PATCH', '/v1/products/1002', { enabled }, operator);
    await enable(false);
    const first = await pay(orderId, 'msg_1', {
      paymentId: 'P1',
      amountCents: '500',
      paidAt: '2026-11-27T20:00:00Z',
    });
    expect(first).toMatchObject({
      status: 200,
      body: { outcome: 'parked', orderId, reason: 'PRODUCT_DISABLED', state: 'PARKED' },
    });
    expect(await pay(orderId, 'msg_2', { paymentId: 'P1' })).toMatchObject({ status: 200, body: first.body });
    await pollUntil('the log line', 5_000, async () =>
      expect(weir.lines).toContainEqual(expect.objectContaining({ event: 'payment_parked', orderId })),
    );
    expect(await readOrder(orderId)).toMatchObject({
      status: 'PENDING',
      payments: [{ paymentId: 'P1', amountCents: '500', outcome: 'PARKED' }],
    });
    await enable(true);
    const path = `/v1/parked/${first.body.parkedId}/replay`;
    expect(await weir.request('POST', path, undefined, operator)).toMatchObject({
      body: { state: 'REPLAYED' },
    });
    expect(await readOrder(orderId)).toMatchObject({ status: 'PAID', payments: [{ outcome: 'INSTANCE' }] });
  });

  test('a further payment of an order is refunded, and its refund can be reported', async () => {
    const orderId = await createOrder();
    expect((await pay(orderId, 'msg_1')).status).toBe(201);
    expect((await pay(orderId, 'msg_1')).status).toBe(200);
    const second = await pay(orderId, 'msg_2');
    expect(second).toMatchObject({
      status: 200,
      body: { outcome: 'refund requested', orderId, paymentId: 'msg_2', amountCents: '500' },
    });
    expect(await pay(orderId, 'msg_2')).toMatchObject({ status: 200, body: second.body });
    expect(await cli('orders', 'refunded', orderId, '--payment-id', 'msg_9')).not.toMatchObject({ code: 0 });
    expect(await cli('orders', 'refunded', orderId, '--payment-id', 'msg_2')).toMatchObject({ code: 0 });
    expect(await readOrder(orderId)).toMatchObject({
      status: 'PAID',
      payments: [
        { webhookId: 'msg_1', outcome: 'INSTANCE' },
        { webhookId: 'msg_2', outcome: 'REFUND', refundedAt: expect.any(String) },
      ],
    });
  });

  test('an order entered by hand before its callback has one payment', async () => {
    const orderId = await createOrder();
    expect(await cli('orders', 'paid', orderId)).toMatchObject({ code: 0 });
    expect(await pay(orderId, 'msg_1')).toMatchObject({ status: 200, body: { sourceId: orderId } });
    expect(await cli('orders', 'paid', orderId)).toMatchObject({ code: 0 });
    expect(await readOrder(orderId)).toMatchObject({
      payments: [{ webhookId: 'msg_1', outcome: 'INSTANCE' }],
    });
  });

  test('a malformed payment is refused and leaves a line in the log', async () => {
    const orderId = await createOrder();
    for (const wrong of [
      { amountCents: '1.5' },
      { paidAt: 'yesterday' },
      { paymentId: ' ' },
      { more: '1' },
    ]) {
      expect(await pay(orderId, `msg_${++count}`, wrong)).toMatchObject({
        body: { code: 'REQUEST_INVALID' },
      });
    }
    await pollUntil('the log lines', 5_000, async () => {
      const lines = weir.lines.filter(
        ({ event, ...line }) => event === 'payment_refused' && line.orderId === orderId,
      );
      expect(lines).toHaveLength(4);
    });
  });
});

describe('a request without a body', () => {
  const instance = async () => {
    const purchase = { source: 'ACTIVITY', sourceId: `GIFT${++count}`, productId: '1001', userId: '7' };
    return (await weir.request('POST', '/v1/instances', purchase, operator)).body.instanceId;
  };

  test.each([
    ['form (curl -d)', 'application/x-www-form-urlencoded'],
    ['plain text', 'text/plain;charset=UTF-8'],
    ['JSON', 'application/json'],
    ['bytes', 'application/octet-stream'],
    ['multipart', 'multipart/form-data; boundary=x'],
  ])('an empty callback of type %s passes, one with a body does not', async (_, type) => {
    const path = `/v1/instances/${await instance()}/retry`;
    const headers = { ...operator, 'content-type': type };
    for (const framing of [{ 'content-length': '0' }, { 'transfer-encoding': 'chunked' }]) {
      expect((await sendRaw(weir.url, 'POST', path, { ...headers, ...framing }, '')).status).toBe(200);
    }
    if (type === 'application/json') return;
    const full = { ...headers, 'content-length': '3' };
    expect((await sendRaw(weir.url, 'POST', path, full, 'a=b')).status).toBe(415);
  });
});

describe('a purchase of a stream entry by API', () => {
  const create = (more: object) =>
    weir.request(
      'POST',
      '/v1/instances',
      { source: 'SECKILL', productId: '1001', userId: '7', ...more },
      operator,
    );
  const scope = 'stream:seckill:1001';

  test('a purchase by API meets the row of its entry, and another user gets a conflict', async () => {
    const sourceId = await weir.redis.xadd(scope, '*', 'uid', '7');
    const row = await pollUntil('the instance of the entry', 10_000, async () => {
      const found = await weir.database.query('SELECT instance_id FROM instance_logs WHERE source_id = $1', [
        sourceId,
      ]);
      expect(found.rows).toHaveLength(1);
      return found.rows[0];
    });
    for (const more of [{}, { scope }]) {
      expect(await create({ sourceId, ...more })).toMatchObject({
        status: 200,
        body: { instanceId: row.instance_id, scope },
      });
    }
    expect(await create({ sourceId, userId: '8' })).toMatchObject({
      status: 409,
      body: { code: 'PURCHASE_CONFLICT' },
    });
    const wanted = ['--source', 'SECKILL', '--source-id', sourceId ?? '', '--product', '1001', '--user', '7'];
    expect((await cli('instances', 'create', ...wanted, '--json')).stdout).toContain(row.instance_id);
    expect(await weir.count(`instance_logs WHERE source_id = '${sourceId}'`)).toBe(1);
  });

  test.each([
    ['another stream', { sourceId: '1-1', scope: 'stream:seckill:1002' }, 'SCOPE_INVALID'],
    ['an empty scope', { sourceId: '1-1', scope: '' }, 'SCOPE_INVALID'],
    ['a scope for another source', { source: 'ACTIVITY', sourceId: '1-1', scope }, 'SCOPE_INVALID'],
    ['what is no entry id', { sourceId: 'ORD1' }, 'SOURCE_ID_INVALID'],
    ['another spelling of an entry id', { sourceId: '01-1' }, 'SOURCE_ID_INVALID'],
    ['an entry id without its number', { sourceId: '1795334847736' }, 'SOURCE_ID_INVALID'],
    ['an entry id that no stream can have', { sourceId: '99999999999999999999-0' }, 'SOURCE_ID_INVALID'],
  ])('a signed payment is refused with %s', async (_, more, code) => {
    expect(await create(more)).toMatchObject({ status: 400, body: { code } });
  });

  test('a purchase of an entry deleted before it was read gets its user by a replay', async () => {
    const { rows } = await weir.database.query(
      `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
       VALUES ('STREAM', 'ENTRY_DELETED', 'gone', 'SECKILL', $1, '5-5', '') RETURNING id::text`,
      [scope],
    );
    const { id } = rows[0];
    expect(await cli('parked', 'replay', id, id, '--user', '42')).toMatchObject({ code: 2 });
    expect(await cli('parked', 'replay', id, '--user', '42')).toMatchObject({ code: 0 });
    expect(await create({ sourceId: '5-5', userId: '42' })).toMatchObject({
      status: 200,
      body: { userId: '42' },
    });
  });
});
