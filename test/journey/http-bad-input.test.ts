import { describe, expect, test } from 'vitest';
import { aboveLargest, openShop } from './open-shop.ts';
import type { RawAnswer } from './share-weir.ts';
import { sendRaw } from './share-weir.ts';

const { weir, expectProblem } = openShop();

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
    title: '__proto__ in addition to all required fields',
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
    title: 'a foreign Host',
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

  test.for(cases)('bad input changes nothing: $title', async (bad) => {
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

  test('bad input is never logged as a failure of Weir', async () => {
    expect(weir.lines.filter(({ msg }) => msg === 'request failed')).toEqual([]);
    expect((await weir.request('GET', '/readyz')).status).toBe(200);
  });

  test('a page of ours may call the API by every loopback name', async () => {
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

describe('a request that the schema refuses is explained in a sentence', () => {
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
    ['/v1/now?secs=5', 'secs is not a known field'],
    ['/v1/sales', 'the body must be an object, not null', null],
    ['/v1/sales', 'stock is missing', { productId: '1001' }],
    ['/v1/sales', 'productId must be text such as "1001", not 7', { ...sale, productId: 7 }],
    ['/v1/sales', 'stock must be 1 to 2147483647, not 0', { ...sale, stock: 0 }],
    ['/v1/sales', 'admitPerSecond must be above 0, at most 1000000, not 0', { ...sale, admitPerSecond: 0 }],
    ['/v1/parked/discard', 'reason must be more than blanks, not "  "', { ids: ['1'], reason: '  ' }],
    ['/v1/parked/replay', 'ids.0 must be the id of a parked item, not x', { ids: ['x'] }],
    ['/v1/parked/replay', 'ids must be 1 to 500 items', { ids: [] }],
    // A rejected key must not be logged either.
    ['/v1/session', 'key must be 1 to 512 characters', { key: 'k'.repeat(513) }],
  ] as [string, string | RegExp, object | null | undefined][])(
    'a request that the schema refuses gets the reason (case %#)',
    async ([path, detail, body]) => {
      const method = body === undefined ? 'GET' : 'POST';
      const answer = await weir.request(method, path, body);
      expectProblem(answer, 400, 'REQUEST_INVALID');
      expect(answer.body.detail).toEqual(typeof detail === 'string' ? detail : expect.stringMatching(detail));
    },
  );
});
