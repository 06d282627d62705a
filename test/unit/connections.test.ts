import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import Fastify from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { boundConnections } from '../../src/adapters/http/plugins/connections.ts';
import { createErrorHandler } from '../../src/adapters/http/plugins/problem.ts';
import { WeirError } from '../../src/errors.ts';
import { pollUntil } from '../support/poll-until.ts';

/** A real server that treats each connection as coming from `from.address`. */
async function startServer(bounds: { maxConnections?: number; maxConnectionsPerAddress?: number }) {
  const http = Fastify({ forceCloseConnections: true });
  onTestFinished(() => http.close());
  http.setErrorHandler(createErrorHandler({ emit() {}, isTransient: () => false }));
  const from = { address: '203.0.113.7' };
  http.server.on('connection', (socket) => {
    const address = from.address;
    Object.defineProperty(socket, 'remoteAddress', { get: () => address });
  });
  boundConnections(http, {
    ...{ maxConnections: 1_000, maxConnectionsPerAddress: 1_000, trustedProxies: ['10.0.0.0/8'] },
    ...bounds,
  });
  http.get('/healthz', () => 'alive');
  http.get('/v1/products', () => 'products');
  const { port } = new URL(await http.listen({ host: '127.0.0.1', port: 0 }));
  const countOpen = () => new Promise<number>((resolve) => http.server.getConnections((_, n) => resolve(n)));
  return {
    from,
    countOpen,
    /** Opens a connection and sends nothing. */
    async open(): Promise<Socket> {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => {});
      onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
      return socket;
    },
  };
}

/** The bytes received until the other side closes, or after the answer; '': closed without an answer. */
async function ask(socket: Socket, path: string): Promise<string> {
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await pollUntil('an answer or the end', 5_000, async () => {
    if (!socket.destroyed && !heard.includes('\r\n\r\n')) throw new Error(heard);
  });
  return heard;
}

describe('when every connection is taken', () => {
  async function startFull() {
    const server = await startServer({ maxConnections: 5 });
    const taken: Socket[] = [];
    for (let i = 0; i < 5; i++) taken.push(await server.open());
    await pollUntil('the server to have them', 5_000, async () => expect(await server.countOpen()).toBe(5));
    return { ...server, taken };
  }

  test('a probe is answered while strangers hold every ordinary connection', async () => {
    const { open, countOpen } = await startFull();
    for (let i = 0; i < 300; i++) await open();
    for (let i = 0; i < 20; i++) expect(await ask(await open(), '/healthz')).toMatch(/200 OK.*alive/s);
    expect(await countOpen()).toBeLessThanOrEqual(5 + 16);
  });

  test('a further connection answers one probe, and 503 to anything else', async () => {
    const { open } = await startFull();
    expect(await ask(await open(), '/healthz')).toMatch(/connection: close/);
    expect(await ask(await open(), '/v1/products')).toMatch(/503.*connection: close.*"OVERLOADED"/s);
  });

  test('a connection that ends makes room for an ordinary one', async () => {
    const { open, taken, countOpen } = await startFull();
    taken[0]?.destroy();
    await pollUntil('it to be gone', 5_000, async () => expect(await countOpen()).toBe(4));
    expect(await ask(await open(), '/v1/products')).toMatch(/200 OK.*keep-alive.*products/s);
  });
});

describe('connections of one address', () => {
  test('connections beyond the bound of their address are closed, not those of others', async () => {
    const { open, from } = await startServer({ maxConnectionsPerAddress: 3 });
    const first = [await open(), await open(), await open()];
    for (const socket of first) expect(await ask(socket, '/v1/products')).toMatch(/200 OK/);
    expect(await ask(await open(), '/v1/products')).toBe('');
    for (const address of ['203.0.113.8', '10.1.2.3', '127.0.0.1']) {
      from.address = address;
      expect(await ask(await open(), '/v1/products')).toMatch(/200 OK/);
    }
    from.address = '10.1.2.3';
    for (let i = 0; i < 10; i++) expect(await ask(await open(), '/v1/products')).toMatch(/200 OK/);
  });

  test('connections of an IPv6 /64 share a bound, and one that ended counts no more', async () => {
    const { open, from } = await startServer({ maxConnectionsPerAddress: 2 });
    const sockets: Socket[] = [];
    for (const host of ['1', '2']) {
      from.address = `2001:db8::${host}`;
      sockets.push(await open());
      expect(await ask(sockets.at(-1) as Socket, '/v1/products')).toMatch(/200 OK/);
    }
    from.address = '2001:db8::3';
    expect(await ask(await open(), '/v1/products')).toBe('');
    sockets[0]?.destroy();
    await pollUntil('a place', 5_000, async () =>
      expect(await ask(await open(), '/v1/products')).toMatch(/200 OK/),
    );
  });
});

describe('an answer that refuses for a while', () => {
  test.each([
    ['429 and 503 close the connection of a stranger', false, 'close'],
    ['429 and 503 keep a connection that others share', true, 'keep-alive'],
  ])('%s', async (_, isShared, connection) => {
    const http = Fastify();
    onTestFinished(() => http.close());
    http.setErrorHandler(createErrorHandler({ emit() {}, isTransient: () => false }, () => isShared));

    for (const code of ['RATE_LIMITED', 'OVERLOADED'] as const) {
      http.get(`/${code}`, () => Promise.reject(new WeirError(code, 'a test')));
    }
    http.get('/PRODUCT_NOT_FOUND', () => Promise.reject(new WeirError('PRODUCT_NOT_FOUND', 'a test')));
    const url = await http.listen({ host: '127.0.0.1', port: 0 });
    const find = async (path: string) => (await fetch(`${url}/${path}`)).headers.get('connection');
    expect(await find('RATE_LIMITED')).toBe(connection);
    expect(await find('OVERLOADED')).toBe(connection);
    expect(await find('PRODUCT_NOT_FOUND')).toBe('keep-alive');
  });
});
