import cookie from '@fastify/cookie';
import Fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import {
  clearSessionCookie,
  readSessionCookie,
  setSessionCookie,
} from '../../src/adapters/http/plugins/session-cookie.ts';

/**
 * A server that logs in, logs out and returns the session that it reads, and a browser that distinguishes
 * hosts but not ports.
 */
async function openBrowser() {
  const http = Fastify({ trustProxy: '127.0.0.1' });
  onTestFinished(() => http.close());
  await http.register(cookie, { hook: false });
  http.post('/session/:id', async (request, reply) => {
    setSessionCookie(request, reply, (request.params as { id: string }).id);
  });
  http.delete('/session', async (request, reply) => clearSessionCookie(request, reply));
  http.get('/session', async (request) => readSessionCookie(request) ?? 'none');
  const jar = new Map<string, string>();
  const ask = async (method: 'GET' | 'POST' | 'DELETE', url: string, headers: Record<string, string>) => {
    const sent = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await http.inject({ method, url, headers: { ...headers, cookie: sent } });
    for (const { name, value, maxAge } of answer.cookies) {
      if (maxAge === 0) jar.delete(name);
      else jar.set(name, value);
    }
    return answer.body;
  };
  return {
    jar,
    logIn: (headers: Record<string, string>, id: string) => ask('POST', `/session/${id}`, headers),
    logOut: (headers: Record<string, string>) => ask('DELETE', '/session', headers),
    read: (headers: Record<string, string>) => ask('GET', '/session', headers),
  };
}

test.each([
  ['IPv4', { host: '127.0.0.1:8000' }, { host: '127.0.0.1:8001' }],
  ['IPv6', { host: '[::1]:8000' }, { host: '[::1]:8001' }],
  ['the default port', { host: 'weir.example' }, { host: 'weir.example:8443' }],
  ['a trusted proxy', { 'x-forwarded-host': 'a:8000' }, { 'x-forwarded-host': 'a:8001' }],
])('a session at one port survives a log-in and log-out at another: %s', async (_, a, b) => {
  for (const proto of ['http', 'https']) {
    const [first, second] = [a, b].map((each) => ({ ...each, 'x-forwarded-proto': proto }));
    const { logIn, logOut, read } = await openBrowser();
    await logIn(first as never, 'one');
    await logIn(second as never, 'two');
    expect(await read(first as never)).toBe('one');
    expect(await read(second as never)).toBe('two');
    await logOut(second as never);
    expect(await read(first as never)).toBe('one');
    expect(await read(second as never)).toBe('none');
  }
});

test('replicas behind one address read the same cookie, whatever ports they listen on', async () => {
  const { logIn, read } = await openBrowser();
  await logIn({ 'x-forwarded-host': 'weir.example', host: '10.0.0.1:8000' }, 'one');
  expect(await read({ 'x-forwarded-host': 'weir.example', host: '10.0.0.2:8001' })).toBe('one');
});

test('the cookie of an earlier version without a port opens nothing elsewhere', async () => {
  const { jar, read } = await openBrowser();
  jar.set('weir', 'old').set('__Host-weir', 'old');
  for (const proto of ['http', 'https']) {
    expect(await read({ host: '127.0.0.1:8000', 'x-forwarded-proto': proto })).toBe('none');
  }
});

test('the cookie over TLS carries the __Host- prefix, and a plain one is not read', async () => {
  const { jar, logIn, read } = await openBrowser();
  await logIn({ host: 'a:8000', 'x-forwarded-proto': 'https' }, 'one');
  expect([...jar.keys()]).toEqual(['__Host-weir-8000']);
  expect(await read({ host: 'a:8000' })).toBe('none');
});
