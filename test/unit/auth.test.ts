import cookie from '@fastify/cookie';
import Fastify from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { actorOf, addAuth, callerOf } from '../../src/adapters/http/plugins/auth.ts';
import { createErrorHandler } from '../../src/adapters/http/plugins/problem.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { KeyRing } from '../../src/ops/access/key-ring.ts';

const key = 'configured-key-of-monday';

async function createApp({ configuredKeys = [key], isOnLoopback = true } = {}) {
  const http = Fastify();
  onTestFinished(() => http.close());
  http.setErrorHandler(createErrorHandler({ emit() {}, isTransient: () => false }));
  await http.register(cookie, { hook: false });
  const keyRing = new KeyRing({
    readCredentials: async () => ({ keys: [], sessions: [] }),
    markUsed: async () => {},
    configuredKeys,
    clock: systemClock,
    onFailure() {},
  });
  addAuth(http, { keyRing, isOnLoopback, limit: async () => {} });
  const ask = async (url: string, headers: Record<string, string> = {}) => {
    const answer = await http.inject({ method: 'POST', url, headers });
    return answer.statusCode === 200 ? answer.body : `${answer.statusCode} ${answer.json().code}`;
  };
  return { http, ask };
}

test('a route without a scope fails the start, wherever it is added', async () => {
  const { http } = await createApp();
  const handler = async () => 'answer';
  expect(() => http.get('/a', handler)).toThrow(/GET \/a declares no scope/);
  expect(() => http.get('/b', { config: { limited: false } }, handler)).toThrow(/GET \/b/);
  http.register(async (inner) => {
    inner.register(async (innermost) => {
      innermost.post('/c', handler);
    });
  });
  await expect(http.ready()).rejects.toThrow(/POST \/c/);
});

describe('a route', () => {
  async function createRoutes(options?: Parameters<typeof createApp>[0]) {
    const app = await createApp(options);
    const answer = async (request: Parameters<typeof callerOf>[0]) =>
      `${callerOf(request)?.name ?? 'nobody'}, ${actorOf(request).name}`;
    app.http.post('/admin', { config: { scope: 'admin' } }, answer);
    app.http.post('/ticket', { config: { scope: 'act', orTicket: true } }, answer);
    app.http.post('/open', { config: { scope: 'open' } }, answer);
    return app;
  }
  const bearer = { authorization: `Bearer ${key}` };
  const wrong = { authorization: 'Bearer configured-key-of-tuesday' };

  test('a route with orTicket accepts a ticket without a key, never a wrong key', async () => {
    const { ask } = await createRoutes();
    expect(await ask('/ticket')).toBe('nobody, operator');
    expect(await ask('/ticket', { cookie: `weir-80=${'A'.repeat(43)}` })).toBe('nobody, operator');
    expect(await ask('/ticket', bearer)).toBe('configured key 1, configured key 1');
    expect(await ask('/ticket', wrong)).toBe('401 UNAUTHENTICATED');
    expect(await ask('/admin')).toBe('401 UNAUTHENTICATED');
  });

  test('a route without any key in the world is open on loopback only', async () => {
    const here = await createRoutes({ configuredKeys: [] });
    for (const url of ['/admin', '/ticket']) expect(await here.ask(url)).toBe('operator, operator');
    const elsewhere = await createRoutes({ configuredKeys: [], isOnLoopback: false });
    expect(await elsewhere.ask('/admin')).toBe('401 UNAUTHENTICATED');
    expect(await elsewhere.ask('/open')).toBe('nobody, operator');
  });

  test.each([['Bearer', 'bearer', 'BEARER'].map((scheme) => `${scheme} ${key}`)])(
    'a route accepts a key after the word Bearer in any case',
    async (...headers) => {
      const { ask } = await createRoutes();
      for (const authorization of headers)
        expect(await ask('/admin', { authorization })).toBe('configured key 1, configured key 1');
    },
  );

  test.each([
    [
      '',
      'Bearer',
      'Bearer ',
      `Basic ${key}`,
      key,
      `Bearer ${key}x`,
      `Bearer  ${key}`,
      `Bearer ${'x'.repeat(600)}`,
    ],
  ])('a route rejects malformed Authorization headers', async (...headers) => {
    const { ask } = await createRoutes();
    for (const authorization of headers)
      expect(await ask('/admin', { authorization })).toBe('401 UNAUTHENTICATED');
  });
});
