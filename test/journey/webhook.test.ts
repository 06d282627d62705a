import { Redis } from 'ioredis';
import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, test } from 'vitest';
import { startOwnRedis } from '../support/own-redis.ts';
import { pollUntil } from '../support/poll-until.ts';
import { rabbitmqUrl } from '../support/stores.ts';
import { launchWeir } from '../support/weir.ts';
import { sendRaw, shareWeir } from './share-weir.ts';

const current = `whsec_${Buffer.from('the secret that is in force').toString('base64')}`;
const retiring = `whsec_${Buffer.from('the secret that goes soon').toString('base64')}`;
const foreign = `whsec_${Buffer.from('a foreign secret').toString('base64')}`;
const keys = ['operator-key-of-monday', 'operator-key-of-tuesday'];

const weir = shareWeir({
  WEIR_SERVER_HTTP_WEBHOOKSECRETS: `${current},${retiring}`,
  WEIR_SERVER_HTTP_OPERATORKEYS: keys.join(','),
});

const operator = { authorization: `Bearer ${keys[0]}` };
let count = 0;

beforeAll(async () => {
  const product = { id: '1001', name: 'GPU Small', cpus: 4, memoryMb: 16384, image: 'ubuntu' };
  expect((await weir.request('POST', '/v1/products', product, operator)).status).toBe(201);
});

async function createOrder(): Promise<string> {
  const order = { productId: '1001', userId: `${++count}` };
  const { status, body } = await weir.request('POST', '/v1/orders', order, operator);
  expect(status).toBe(201);
  return body.id;
}

/** The three headers of Standard Webhooks for these bytes, signed `lateMs` ago. */
function sign(secret: string, body: string, lateMs = 0): Record<string, string> {
  const at = new Date(Date.now() - lateMs);
  const id = `msg_${++count}`;
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
}

const pay = (orderId: string, body: string | undefined, headers: Record<string, string>) =>
  weir.request('POST', `/v1/orders/${orderId}/paid`, body, headers);

describe('once a webhook secret is set, a refund', () => {
  async function createOwedOrder(): Promise<string> {
    const orderId = await createOrder();
    await weir.request('POST', `/v1/orders/${orderId}/cancel`, undefined, operator);
    const body = JSON.stringify({ orderId });
    expect(await pay(orderId, body, sign(current, body))).toMatchObject({
      status: 200,
      body: { outcome: 'refund requested' },
    });
    return orderId;
  }
  const report = (orderId: string, body: string, headers: Record<string, string>) =>
    weir.request('POST', `/v1/orders/${orderId}/refunded`, body, headers);

  test('a refund callback is accepted when it is signed and states that it is one', async () => {
    const orderId = await createOwedOrder();
    const body = JSON.stringify({ orderId, refunded: true });
    expect((await report(orderId, body, sign(foreign, body))).status).toBe(401);
    expect((await report(orderId, body, {})).status).toBe(401);
    expect((await report(orderId, body, sign(current, body))).status).toBe(201);
  });

  test('a refund callback cannot use the signed bytes of a payment, nor the reverse', async () => {
    const orderId = await createOwedOrder();
    const paid = JSON.stringify({ orderId });
    expect((await report(orderId, paid, sign(current, paid))).status).toBe(400);
    const refunded = JSON.stringify({ orderId, refunded: true });
    expect((await pay(orderId, refunded, sign(current, refunded))).status).toBe(400);
  });
});

describe('once a webhook secret is set, a payment', () => {
  test.for([
    ['the secret in force', current],
    ['the secret that is being retired', retiring],
  ] as const)('a payment signed with %s creates an instance', async ([, secret]) => {
    const orderId = await createOrder();
    const body = JSON.stringify({ orderId });
    expect(await pay(orderId, body, sign(secret, body))).toMatchObject({
      status: 201,
      body: { sourceId: orderId },
    });
  });

  test('a payment callback of an order that lives elsewhere is taken when it is signed', async () => {
    const orderId = `ELSEWHERE${++count}`;
    const body = JSON.stringify({ orderId, productId: '1001', userId: '77' });
    expect(await pay(orderId, body, sign(current, body))).toMatchObject({
      status: 201,
      body: { userId: '77' },
    });
  });

  test('a payment callback needs one good signature among several', async () => {
    const orderId = await createOrder();
    const body = JSON.stringify({ orderId });
    const headers = sign(current, body);
    const bad = sign(foreign, body)['webhook-signature'];
    headers['webhook-signature'] = `${bad} v1a,unknown ${headers['webhook-signature']}`;
    expect((await pay(orderId, body, headers)).status).toBe(201);
  });

  test('a payment callback signed over its raw bytes is accepted in any JSON layout', async () => {
    const orderId = await createOrder();
    const body = `\n{ "userId" : "${count}",\t"orderId":"${orderId}", "productId":"1001" }\r\n`;
    expect((await pay(orderId, body, sign(current, body))).status).toBe(201);
  });

  test('a callback sent again with the same signature gets the same answer', async () => {
    const orderId = await createOrder();
    const body = JSON.stringify({ orderId });
    const headers = sign(current, body);
    const first = await pay(orderId, body, headers);
    expect(first.status).toBe(201);
    const before = await weir.count('instance_logs');
    expect(await pay(orderId, body, headers)).toMatchObject({ status: 200, body: first.body });
    expect(await weir.count('instance_logs')).toBe(before);
  });

  const forgeries: [
    string,
    (orderId: string, body: string) => [string | undefined, Record<string, string>],
  ][] = [
    ['unsigned', (_, body) => [body, {}]],
    ['unsigned and without a body', () => [undefined, {}]],
    ['signed with a foreign secret', (_, body) => [body, sign(foreign, body)]],
    ['changed after it was signed', (_, body) => [`${body} `, sign(current, body)]],
    ['signed six minutes ago', (_, body) => [body, sign(current, body, 6 * 60_000)]],
    ['signed six minutes ahead', (_, body) => [body, sign(current, body, -6 * 60_000)]],
    [
      'with another id than was signed',
      (_, body) => [body, { ...sign(current, body), 'webhook-id': 'msg_other' }],
    ],
    [
      'with a fresh time on an old signature',
      (_, body) => [
        body,
        { ...sign(current, body, 6 * 60_000), 'webhook-timestamp': `${Math.floor(Date.now() / 1000)}` },
      ],
    ],
    ['without a time', (_, body) => [body, { ...sign(current, body), 'webhook-timestamp': '' }]],
    ['with a time that is none', (_, body) => [body, { ...sign(current, body), 'webhook-timestamp': 'now' }]],
    [
      'with a signature that is nonsense',
      (_, body) => [body, { ...sign(current, body), 'webhook-signature': 'v1' }],
    ],
    ['with an operator key instead of a signature', (_, body) => [body, operator]],
  ];

  test.for(forgeries)('a payment %s is refused', async ([, forge]) => {
    const orderId = await createOrder();
    const before = await weir.countEverything();
    const [body, headers] = forge(orderId, JSON.stringify({ orderId }));
    const answer = await pay(orderId, body, headers);
    expect(answer).toMatchObject({ status: 401, body: { status: 401, code: 'SIGNATURE_INVALID' } });
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await weir.countEverything()).toEqual(before);
  });

  test.for([
    ['another order', (other: string) => ({ orderId: other })],
    ['no order', () => ({ productId: '1001', userId: '77' })],
    ['a list', () => []],
    ['null', () => null],
    ['nothing', () => undefined],
  ] as [string, (other: string) => unknown][])(
    'a payment signed for %s is refused and changes nothing',
    async ([, name]) => {
      const [orderId, other] = [await createOrder(), await createOrder()];
      const before = await weir.countEverything();
      const body = JSON.stringify(name(other)) ?? '';
      const answer = await pay(orderId, body, sign(current, body));
      expect(answer).toMatchObject({ status: 401, body: { code: 'SIGNED_ORDER_DIFFERS' } });
      expect(await weir.countEverything()).toEqual(before);
    },
  );

  test('a payment callback that is signed and malformed is rejected as a bad request', async () => {
    const orderId = await createOrder();
    const before = await weir.countEverything();
    for (const body of [
      `{"orderId":"${orderId}","userId":"1"}`,
      `{"orderId":"${orderId}","amount":"1"}`,
      '{',
    ]) {
      const answer = await pay(orderId, body, sign(current, body));
      expect(answer).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
    }
    expect(await weir.countEverything()).toEqual(before);
  });

  test('a payment callback as text is rejected, signed or not', async () => {
    const orderId = await createOrder();
    const body = JSON.stringify({ orderId });
    const before = await weir.countEverything();
    const type = { 'content-type': 'text/plain' };
    const answer = await sendRaw(
      weir.url,
      'POST',
      `/v1/orders/${orderId}/paid`,
      { ...type, ...sign(current, body) },
      body,
    );
    expect(answer.status).toBe(415);
    expect(await weir.countEverything()).toEqual(before);
  });
});

describe('once operator keys are set', () => {
  const routes: [string, string, unknown?][] = [
    ['GET', '/v1/products'],
    ['GET', '/v1/products/1001'],
    ['POST', '/v1/products', { id: '9', name: 'x', cpus: 1, memoryMb: 1, image: 'x' }],
    ['POST', '/v1/orders', { productId: '1001', userId: '1' }],
    ['GET', '/v1/orders/ORD1'],
    ['POST', '/v1/orders/ORD1/cancel'],
    ['POST', '/v1/instances', { source: 'ACTIVITY', sourceId: 'A', productId: '1001', userId: '1' }],
    ['GET', '/v1/instances'],
    ['GET', '/v1/instances/1'],
    ['GET', '/v1/stats/sources'],
    ['GET', '/v1/stats/trend'],
    ['GET', '/v1/parked'],
  ];

  test.for(routes)('the route %s %s requires a key', async ([method, path, body]) => {
    const before = await weir.countEverything();
    const wrong = [
      '',
      'Bearer',
      'Bearer ',
      'Bearer wrong-key-of-monday',
      `Basic ${keys[0]}`,
      `${keys[0]}`,
      `Bearer ${keys[0]}x`,
    ];
    for (const headers of [{}, ...wrong.map((authorization) => ({ authorization }))]) {
      const answer = await weir.request(method, path, body, headers);
      expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
    expect(await weir.countEverything()).toEqual(before);
    for (const key of keys) {
      const answer = await weir.request(method, path, body, { authorization: `Bearer ${key}` });
      expect(answer.status).not.toBe(401);
    }
  });

  test('payments, probes and the page need no operator key', async () => {
    const orderId = await createOrder();
    const body = JSON.stringify({ orderId });
    expect((await pay(orderId, body, sign(current, body))).status).toBe(201);
    for (const path of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/']) {
      expect((await weir.request('GET', path)).status, path).toBe(200);
    }
  });
});

describe('secrets and keys', () => {
  test('secrets and keys are in no line of the log and in no answer', async () => {
    await weir.request('GET', '/v1/products', undefined, { authorization: `Bearer ${keys[1]}` });
    await weir.request('POST', `/v1/nothing`, { secret: current }, { authorization: `Bearer ${keys[1]}` });
    const answers = await Promise.all(
      ['/metrics', '/openapi.json', '/readyz'].map(async (path) =>
        JSON.stringify((await weir.request('GET', path)).body),
      ),
    );
    expect(weir.lines.length).toBeGreaterThan(10);
    const told = [...weir.lines.map((line) => JSON.stringify(line)), ...answers].join('\n');
    for (const secret of [current, retiring, ...keys]) {
      expect(told).not.toContain(secret);
      expect(told).not.toContain(secret.replace('whsec_', ''));
    }
  });

  test('secrets of unavailable stores are in no line of the log', async () => {
    await using redis = await startOwnRedis();
    const admin = new Redis(redis.url);
    await admin.config('SET', 'requirepass', 'the-right-redis-password');
    admin.disconnect();
    const broker = new URL(rabbitmqUrl);
    const passwords = ['wrong-postgres-password', 'wrong-redis-password', 'wrong-rabbitmq-password'];
    const start = (addresses: { postgres: string; redis: string; rabbitmq: string }) =>
      launchWeir({
        WEIR_DATA_DATABASE_SOURCE: `postgres://somebody:${passwords[0]}@${addresses.postgres}/nothing`,
        WEIR_DATA_REDIS_ADDR: `redis://somebody:${passwords[1]}@${addresses.redis}`,
        WEIR_DATA_RABBITMQ_URL: `amqp://somebody:${passwords[2]}@${addresses.rabbitmq}`,
      });
    const refused = start({
      postgres: '127.0.0.1:9',
      redis: `127.0.0.1:${redis.port}`,
      rabbitmq: broker.host,
    });
    const away = start({ postgres: '127.0.0.1:9', redis: '127.0.0.1:9', rabbitmq: '127.0.0.1:9' });
    for (const { lines } of [refused, away]) {
      await pollUntil('a line about each store', 30_000, async () => {
        const failed = new Set(lines.filter(({ store }) => store).map(({ store }) => store));
        if (failed.size < 3) throw new Error(`only about ${[...failed].join(', ')}`);
      });
      const told = lines.map((line) => JSON.stringify(line)).join('\n');
      for (const password of passwords) expect(told).not.toContain(password);
    }
  });
});

describe('a callback that is not signed', () => {
  test('a body above 4 KiB is refused before its signature is looked at', async () => {
    const orderId = await createOrder();
    for (const path of ['paid', 'refunded']) {
      const body = JSON.stringify({ orderId, pad: 'x'.repeat(4_096) });
      const answer = await weir.request('POST', `/v1/orders/${orderId}/${path}`, body, sign(current, body));
      expect(answer).toMatchObject({ status: 413, body: { code: 'REQUEST_INVALID' } });
    }
  });

  test('wrong signatures of an address are limited, right ones of the same are not', async () => {
    const orderId = await createOrder();
    const body = JSON.stringify({ orderId });
    const forged = sign(foreign, body);
    const statuses = new Set<number>();
    let last = await pay(orderId, body, forged);
    for (let round = 0; round < 40 && last.status !== 429; round++) {
      const answers = await Promise.all(Array.from({ length: 25 }, () => pay(orderId, body, forged)));
      for (const { status } of answers) statuses.add(status);
      last = answers.at(-1) ?? last;
    }
    expect(statuses).toEqual(new Set([401, 429]));
    expect(last.headers.get('connection')).toBe('close');
    const orders = await Promise.all(Array.from({ length: 5 }, createOrder));
    for (const id of orders) {
      const right = JSON.stringify({ orderId: id });
      expect((await pay(id, right, sign(current, right))).status).toBe(201);
    }
    expect(weir.lines).toContainEqual(
      expect.objectContaining({ event: 'credentials_rejected', kind: 'signature', address: '127.0.0.1' }),
    );
  });
});
