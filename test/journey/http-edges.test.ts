import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { type RawAnswer, sendRaw, shareWeir } from './share-weir.ts';

const weir = shareWeir({
  WEIR_SERVER_HTTP_KEEPALIVEMS: '620000',
  WEIR_SERVER_HTTP_HEADERSTIMEOUTMS: '200',
});
const send = (method: string, path: string, headers: Record<string, string> = {}, body?: string) =>
  sendRaw(weir.url, method, path, headers, body);

/** A plain connection: what was received so far, and how to send more. */
function openConnection() {
  const { hostname, port } = new URL(weir.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    received += chunk;
  });
  const expectAnswers = (count: number) =>
    pollUntil(`${count} answers`, 5_000, async () =>
      expect(received.match(/HTTP\/1\.1 200 /g) ?? []).toHaveLength(count),
    );
  return { socket, expectAnswers, read: () => received };
}

test.each(['/healthz', '/readyz', '/metrics'])(
  'a probe of HTTP/1.0 without a Host gets its answer from %s',
  async (path) => {
    const { socket, expectAnswers } = openConnection();
    socket.write(`GET ${path} HTTP/1.0\r\n\r\n`);
    await expectAnswers(1);
  },
);

test('an idle connection outlives the header timeout and answers the next request', async () => {
  const request = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const idle = openConnection();
  idle.socket.write(request);
  await idle.expectAnswers(1);
  expect(idle.read()).toMatch(/^keep-alive: timeout=620\r$/im);
  const slow = openConnection();
  slow.socket.write(request.slice(0, 20));
  await once(slow.socket, 'close');
  expect(slow.read()).toContain('408');
  idle.socket.write(request);
  await idle.expectAnswers(2);
});

describe('a path', () => {
  test('a path with a slash at its end is answered as without', async () => {
    const product = { id: '4711', name: 'x', cpus: 1, memoryMb: 1, image: 'x' };
    expect((await weir.request('POST', '/v1/products/', product)).status).toBe(201);
    for (const path of ['/v1/products/4711', '/v1/products/4711/'])
      expect((await weir.request('GET', path)).body).toMatchObject(product);
    const order = { productId: '4711', userId: '7' };
    expect((await weir.request('POST', '/v1/orders/SLASH/paid/', order)).status).toBe(201);
    expect((await weir.request('POST', '/v1/orders/SLASH/paid', order)).status).toBe(200);
    expect((await weir.request('GET', '/healthz/')).status).toBe(200);
  });

  test.each([
    ['DELETE', '/v1/products/1', 'GET, HEAD, PATCH'],
    ['DELETE', '/v1/products/1/', 'GET, HEAD, PATCH'],
    ['GET', '/v1/keys/5', 'DELETE'],
    ['GET', '/v1/orders/1/paid?a=b', 'POST'],
    ['PUT', '/%76%31/session', 'DELETE, GET, HEAD, POST'],
    ['OPTIONS', '/readyz', 'GET, HEAD'],
  ])('a path answers %s %s with 405 and its methods', async (method, path, allow) => {
    const answer = await send(method, path);
    expect(answer).toMatchObject({ status: 405, headers: { allow } });
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'METHOD_NOT_ALLOWED', status: 405 });
  });

  test('an unknown path is answered 404, without its query', async () => {
    for (const [method, path] of [
      ['PUT', '/v1/nothing?ticket=secret'],
      ['GET', '/v1/nothing?ticket=secret'],
    ] as const) {
      const answer = await send(method, path);
      expect(answer).toMatchObject({ status: 404 });
      expect(answer.headers.allow).toBeUndefined();
      expect(answer.text).not.toContain('secret');
    }
  });
});

describe('an answer', () => {
  const gzip = { 'accept-encoding': 'br;q=1, gzip;q=0.8' };
  const isCompressed = ({ headers }: RawAnswer) => headers['content-encoding'] === 'gzip';

  test('no cache keeps an answer of the API, of a probe or to a mistake', async () => {
    for (const path of [
      '/v1/products',
      '/v1/products/999999',
      '/v1/nothing',
      '/readyz',
      '/openapi.json',
      '/nothing',
    ])
      expect((await send('GET', path)).headers['cache-control'], path).toBe('no-store');
    expect((await send('GET', '/')).headers['cache-control']).toBe('no-cache');
  });

  test('an answer of 1 KiB and more is compressed for a caller who accepts that', async () => {
    const plain = await send('GET', '/openapi.json');
    expect(isCompressed(plain)).toBe(false);
    expect(plain.headers.vary).toBe('accept-encoding');
    expect(isCompressed(await send('GET', '/openapi.json', { 'accept-encoding': 'gzip;q=0' }))).toBe(false);
    const response = await fetch(`${weir.url}/openapi.json`, { headers: gzip });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(await response.text()).toBe(plain.text);
    const metrics = await send('GET', '/metrics', gzip);
    expect(isCompressed(metrics)).toBe(true);
    const head = await send('HEAD', '/openapi.json', gzip);
    expect(head.headers['content-length']).toBe(String(Buffer.byteLength(plain.text)));
  });

  test('a small answer, a stream and the answer to a POST are not compressed', async () => {
    expect(isCompressed(await send('GET', '/readyz', gzip))).toBe(false);
    expect(isCompressed(await send('GET', '/v1/now/stream', gzip))).toBe(false);
    const body = JSON.stringify({ ids: Array.from({ length: 50 }, (_, i) => `${i + 1}`) });
    const posted = await send(
      'POST',
      '/v1/parked/replay',
      { ...gzip, 'content-type': 'application/json' },
      body,
    );
    expect(posted.text.length).toBeGreaterThan(1_024);
    expect(isCompressed(posted)).toBe(false);
  });
});

test('the live stream forbids proxies to buffer, cache or compress it', async () => {
  const { headers } = await send('GET', '/v1/now/stream');
  expect(headers).toMatchObject({ 'x-accel-buffering': 'no', 'cache-control': 'no-store, no-transform' });
});
