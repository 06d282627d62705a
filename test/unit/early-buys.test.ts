import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addEarlyBuys, type EarlyBuyDeps } from '../../src/adapters/http/early-buys.ts';
import { failures } from '../../src/adapters/http/routes/buy.ts';
import type { SourceId } from '../../src/core/instance/purchase.ts';
import { WeirError } from '../../src/errors.ts';
import { LoopLag } from '../../src/lib/loop-lag.ts';
import type { BuyOutcome } from '../../src/sale/checkout.ts';
import { pollUntil } from '../support/poll-until.ts';

const lag = new LoopLag();
const plain = { 'content-type': 'application/json' };

/** What the route received: the method, the path and the whole body. */
let routed: string[];
let answered: string[];
/** The answer of the store. */
let sell: () => BuyOutcome;
/** The failure that was attached for the route. */
let failed: unknown;
let server: Server;
let deps: EarlyBuyDeps;

beforeEach(async () => {
  routed = [];
  answered = [];
  failed = undefined;
  sell = () => ({ kind: 'accepted', streamId: '5-1' as SourceId });
  deps = {
    admission: {
      refuse: (productId) => (productId === 7n ? 'SOLD_OUT' : undefined),
      buy: async () => sell(),
    },
    recallCaller: ({ headers }) =>
      headers.authorization === undefined
        ? 'stranger'
        : { name: 'shop', scope: headers.authorization === 'read' ? 'read' : 'act' },
    buyLimits: { takeAddress() {}, takeUser() {} },
    isServedHost: (host) => host === 'shop',
    isServing: () => true,
    ...{ lag, maxLoopDelayMs: 60_000, takeRequestId: () => 'r1' },
    emit: (event) => {
      if (event.type === 'request answered') answered.push(`${event.status} ${event.problem}`);
    },
  };
  server = createServer((request, response) => {
    failed = failures.get(request);
    readAll(request).then((body) => {
      routed.push(`${request.method} ${request.url} ${body}`);
      response.end('routed');
    });
  });
  addEarlyBuys({ server } as FastifyInstance, deps);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Like the framework: listens some time after the request arrived, once its hooks have run. */
async function readAll(request: IncomingMessage): Promise<string> {
  await new Promise((resolve) => setImmediate(resolve));
  const chunks: Buffer[] = [];
  return new Promise((resolve) => {
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
  });
}

interface Sent {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

const goodBody = '{"userId":"5"}';

function write({ path = '/v1/sales/7/buy', method = 'POST', headers = {}, body = goodBody }: Sent): string {
  const all = {
    ...{ host: 'shop', authorization: 'act', ...plain },
    'content-length': `${Buffer.byteLength(body)}`,
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** Sends the pieces one after the other, and resolves with the requested number of answers. */
async function exchange(pieces: readonly string[], answers = 1): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8').on('data', (text) => {
    received += text;
  });
  for (const piece of pieces) {
    await new Promise<void>((resolve) => socket.write(piece, () => setImmediate(resolve)));
  }
  await pollUntil('the answers', 5_000, async () => {
    const count = received.match(/HTTP\/1\.1 \d{3}/g)?.length ?? 0;
    if (count < answers || !/(\}|routed)$/.test(received)) throw new Error(received);
  });
  socket.destroy();
  return received;
}

describe('a buy that memory refuses', () => {
  test('an early refusal has the status, the headers and the problem of the route', async () => {
    const text = await exchange([write({})]);
    const [head = '', body = ''] = text.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 409 /);
    expect(head.toLowerCase()).toContain('content-type: application/problem+json');
    expect(head.toLowerCase()).toContain('x-content-type-options: nosniff');
    expect(JSON.parse(body)).toMatchObject({ status: 409, code: 'SOLD_OUT' });
    expect({ routed, answered }).toEqual({ routed: [], answered: ['409 SOLD_OUT'] });
  });

  test('an early refusal of a stranger needs a ticket and a token of the address', async () => {
    const stranger = { authorization: undefined as unknown as string };
    const send = (body: string) =>
      exchange([write({ headers: stranger, body }).replace(/authorization.*\r\n/, '')]);
    await send('{"userId":"5","ticket":"abc"}');
    expect({ routed, answered }).toEqual({ routed: [], answered: ['409 SOLD_OUT'] });
    await send(goodBody);
    expect(routed).toEqual([`POST /v1/sales/7/buy ${goodBody}`]);
    deps.buyLimits.takeAddress = () => {
      throw new Error('no token');
    };
    await send('{"userId":"6","ticket":"abc"}');
    expect(routed).toHaveLength(2);
  });

  test('two early refusals on one connection come in order', async () => {
    const both = write({}) + write({ body: '{"userId":"6"}' });
    expect((await exchange([both], 2)).match(/SOLD_OUT/g)).toHaveLength(2);
    expect(routed).toEqual([]);
  });
});

describe('a buy that reaches the store', () => {
  test('an early buy has the status, the headers and the body of the route', async () => {
    const text = await exchange([write({ path: '/v1/sales/8/buy' })]);
    const [head = '', body = ''] = text.split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 202 /);
    const purchase = '/v1/sales/8/purchases/5-1';
    expect(head.toLowerCase()).toContain(`location: ${purchase}`);
    expect(JSON.parse(body)).toEqual({ streamId: '5-1', productId: '8', userId: '5', purchase });
    expect({ routed, answered }).toEqual({ routed: [], answered: ['202 undefined'] });
  });

  test('an early repeat answers 200, and an early refusal of the store its problem', async () => {
    sell = () => ({ kind: 'repeat', streamId: '5-1' as SourceId });
    expect(await exchange([write({ path: '/v1/sales/8/buy' })])).toMatch(/^HTTP\/1\.1 200 /);
    sell = () => ({ kind: 'LIMIT_REACHED' });
    expect(await exchange([write({ path: '/v1/sales/8/buy' })])).toContain('LIMIT_REACHED');
    expect(routed).toEqual([]);
  });

  test('an early buy that fails is answered by the route, which does not buy again', async () => {
    const failure = new WeirError('STORE_UNAVAILABLE', 'gone');
    let count = 0;
    sell = () => {
      count++;
      throw failure;
    };
    expect(await exchange([write({ path: '/v1/sales/8/buy' })])).toContain('routed');
    expect({ routed, failed, count }).toEqual({
      routed: [`POST /v1/sales/8/buy ${goodBody}`],
      failed: failure,
      count: 1,
    });
  });

  test('an early buy without a token of its user does not reach the store', async () => {
    deps.buyLimits.takeUser = () => {
      throw new WeirError('RATE_LIMITED', 'too often');
    };
    sell = () => expect.fail('it was sold');
    expect(await exchange([write({ path: '/v1/sales/8/buy' })])).toContain('routed');
    expect(failed).toMatchObject({ code: 'RATE_LIMITED' });
  });

  test('an early buy that ends while the process stops closes its connection', async () => {
    let isServing = true;
    deps.isServing = () => isServing;
    sell = () => {
      isServing = false;
      return { kind: 'accepted', streamId: '5-1' as SourceId };
    };
    expect((await exchange([write({ path: '/v1/sales/8/buy' })])).toLowerCase()).toContain(
      'connection: close',
    );
  });
});

describe('a request that goes to the route', () => {
  const others: [string, Sent][] = [
    ['another path', { path: '/v1/sales/7/buy/' }],
    ['a query', { path: '/v1/sales/7/buy?x=1' }],
    ['another method', { method: 'PUT' }],
    ['a product id out of range', { path: '/v1/sales/9999999999999999999/buy' }],
    ['a user id out of range', { body: '{"userId":"9999999999999999999"}' }],
    ['a user id that is a number', { body: '{"userId":5}' }],
    ['an unknown field', { body: '{"userId":"5","x":1}' }],
    ['a key twice', { body: '{"userId":"5","userId":"6"}' }],
    ['no JSON', { body: 'userId=5' }],
    ['no body', { body: '' }],
    ['a long body', { body: `{"userId":"5"${' '.repeat(300)}}` }],
    ['a charset', { headers: { 'content-type': 'application/json; charset=utf-8' } }],
    ['an Idempotency-Key', { headers: { 'idempotency-key': 'a' } }],
    ['an Origin', { headers: { origin: 'http://shop' } }],
    ['a page of another site', { headers: { 'sec-fetch-site': 'cross-site' } }],
    ['another host', { headers: { host: 'other' } }],
    ['a key of a smaller scope', { headers: { authorization: 'read' } }],
  ];

  test.each(others)('a request with %s reaches the route with its whole body', async (_, sent) => {
    expect(await exchange([write(sent)])).toContain('routed');
    const { path = '/v1/sales/7/buy', method = 'POST', body = goodBody } = sent;
    expect({ routed, answered }).toEqual({ routed: [`${method} ${path} ${body}`], answered: [] });
  });

  test('a request reaches the route while the process starts or stops', async () => {
    deps.isServing = () => false;
    expect(await exchange([write({})])).toContain('routed');
  });

  test('a request reaches the route while the event loop is late', async () => {
    deps.maxLoopDelayMs = -1_000;
    expect(await exchange([write({})])).toContain('routed');
  });

  test('a chunked body reaches the route whole', async () => {
    const head = write({ headers: { 'transfer-encoding': 'chunked' }, body: '' }).replace(
      /content-length.*\r\n/,
      '',
    );
    await exchange([`${head}${goodBody.length.toString(16)}\r\n${goodBody}\r\n0\r\n\r\n`]);
    expect(routed).toEqual([`POST /v1/sales/7/buy ${goodBody}`]);
  });

  test('a body that arrives in pieces is never lost or doubled', async () => {
    const cut = fc.record({
      at: fc.nat({ max: 200 }),
      product: fc.constantFrom('7', '8'),
      user: fc.stringMatching(/^[1-9]\d{0,17}$/),
    });
    await fc.assert(
      fc.asyncProperty(cut, async ({ at, product, user }) => {
        routed = [];
        const body = `{"userId":"${user}"}`;
        const text = write({ path: `/v1/sales/${product}/buy`, body });
        const answer = await exchange([text.slice(0, at), text.slice(at)].filter((piece) => piece !== ''));
        const isEarly = answer.includes(product === '7' ? 'SOLD_OUT' : '"streamId":"5-1"');
        expect(routed).toEqual(isEarly ? [] : [`POST /v1/sales/${product}/buy ${body}`]);
      }),
      { numRuns: 60 },
    );
  });
});
