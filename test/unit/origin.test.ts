import Fastify from 'fastify';
import { Registry } from 'prom-client';
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkHostAndOrigin } from '../../src/adapters/http/plugins/origin.ts';
import { createErrorHandler } from '../../src/adapters/http/plugins/problem.ts';
import { addHealth } from '../../src/adapters/http/routes/health.ts';
import { isLocalOnly } from '../../src/lib/address.ts';

const local = { addr: '127.0.0.1:8000', hosts: [] as string[], trustedProxies: [] as string[] };
const probes = ['/healthz', '/readyz', '/metrics'];

/** The check, the probes and one route of the API; metrics need no key. */
function createApp(config = local) {
  const http = Fastify();
  onTestFinished(() => http.close());
  http.setErrorHandler(createErrorHandler({ emit() {}, isTransient: () => false }));
  http.addHook('onRequest', checkHostAndOrigin(config));
  addHealth(http, {
    ...{ readiness: {}, remarks: {}, registry: new Registry(), draining: new AbortController().signal },
    ...{ isMetricsOpen: true, isLocalOnly: isLocalOnly(config) },
  });
  http.get('/v1/orders/:id', () => 'an order');
  return async (url: string, headers: Record<string, string> = {}) =>
    (await http.inject({ url, headers })).statusCode;
}

describe('a probe', () => {
  test.each(['10.0.0.7:8000', '[fd00::7]:8000', '192.0.2.1'])(
    'a probe by address is answered: Host %j',
    async (host) => {
      const ask = createApp();
      for (const url of probes) expect(await ask(url, { host }), url).toBe(200);
      expect(await ask('/v1/orders/1', { host })).toBe(421);
    },
  );

  test('a probe of health or readiness gets its answer under any name', async () => {
    const ask = createApp();
    for (const url of ['/healthz', '/readyz'])
      expect(await ask(url, { host: 'weir.internal' }), url).toBe(200);
  });

  test('a probe is also answered where hosts are named for a proxy', async () => {
    const ask = createApp({ ...local, hosts: ['shop.example'] });
    for (const url of probes) expect(await ask(url, { host: 'weir.internal' }), url).toBe(200);
    expect(await ask('/v1/orders/1', { host: 'weir.internal' })).toBe(421);
    expect(await ask('/v1/orders/1', { host: 'SHOP.example' })).toBe(200);
  });
});

test('a foreign name that points at loopback does not read open metrics', async () => {
  const ask = createApp();
  for (const host of ['evil.example:8000', '127.0.0.1.evil.example', 'localhost.evil.example'])
    expect(await ask('/metrics', { host }), host).toBe(421);
  expect(await ask('/metrics', { host: 'localhost:8000' })).toBe(200);
});

describe('a page of another site', () => {
  const crossSite = { host: 'localhost', 'sec-fetch-site': 'cross-site' };

  test.each(['/v1/orders/1', '/%76%31/orders/1', '/v%31/orders/1', '/v1/%6Frders/1'])(
    'a page of another site is refused however the path is written: %s',
    async (url) => {
      const ask = createApp();
      expect(await ask(url, { host: 'localhost' })).toBe(200);
      expect(await ask(url, crossSite)).toBe(403);
    },
  );

  test('a request of our own page is recognised by its origin in any case of Host', async () => {
    const ask = createApp();
    expect(await ask('/v1/orders/1', { host: 'LOCALHOST:8000', origin: 'http://localhost:8000' })).toBe(200);
    expect(await ask('/v1/orders/1', { host: 'localhost:8000', origin: 'http://localhost:1' })).toBe(403);
  });
});

test('an IPv6 address that is listened on is an allowed Host', async () => {
  const ask = createApp({ ...local, addr: '[fd00::7]:8000', hosts: ['shop.example'] });
  expect(await ask('/v1/orders/1', { host: '[fd00::7]:8000' })).toBe(200);
});
