import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Now } from '../../src/api/answers.ts';
import { listTroubles } from '../../src/dashboard/live/list-troubles.ts';
import { countWaiting } from '../../src/dashboard/live/status.ts';

const at = '2026-11-27T08:00:00.000Z';
const ago = (seconds: number) => new Date(Date.parse(at) - seconds * 1_000).toISOString();

function createNow(more: Partial<Now> = {}): Now {
  return {
    ...{
      at,
      from: at,
      seconds: 1,
      series: [],
      events: [null],
      sources: [],
      delay: null,
      intakePaused: false,
    },
    audit: { ok: true, auditedAt: at, exceptions: 0 },
    waiting: ['stream', 'outbox', 'processing', 'parked'].map((what) => ({ what, count: 0, oldestAt: null })),
    stores: [
      { name: 'database', kind: 'PostgreSQL', ok: true, why: null },
      { name: 'results', kind: 'RabbitMQ', ok: null, why: null },
    ],
    ...more,
  };
}

const wait = (what: string, seconds: number) => ({ what, count: 9, oldestAt: ago(seconds) });

describe('the status strip', () => {
  test('the status strip is empty while all is well, and before anything is known', () => {
    expect(listTroubles(true, createNow())).toEqual([]);
    expect(listTroubles(true, undefined)).toEqual([]);
    expect(listTroubles(true, createNow({ audit: null }))).toEqual([]);
  });

  test('the status strip names an unreachable Weir alone, since all else is old', () => {
    expect(listTroubles(false, createNow({ intakePaused: true }))).toEqual([{ kind: 'unreachable' }]);
  });

  test('the status strip names each unavailable store once for each server and reason', () => {
    const why = { code: 'STORE_ERROR', params: { error: 'ECONNREFUSED' } };
    const redis = { kind: 'Redis', ok: false, why };
    const stores = [
      { name: 'streams', ...redis },
      { name: 'database', kind: 'PostgreSQL', ok: true, why: null },
      { name: 'sales', ...redis },
      { name: 'queue', kind: 'RabbitMQ', ok: false, why },
    ];
    expect(listTroubles(true, { stores, waiting: [] })).toEqual([
      { kind: 'store', names: ['streams', 'sales'], storeKind: 'Redis', why },
      { kind: 'store', names: ['queue'], storeKind: 'RabbitMQ', why },
    ]);
  });

  test('the status strip names paused intake and an audit that found a difference', () => {
    const audit = { ok: false, auditedAt: at, exceptions: 3 };
    expect(listTroubles(true, createNow({ intakePaused: true, audit }))).toEqual([
      { kind: 'intakePaused' },
      { kind: 'audit', exceptions: 3 },
    ]);
  });

  test('the status strip names the oldest backlog after more than a minute', () => {
    const waiting = [wait('stream', 61), wait('outbox', 300), wait('processing', 900), wait('parked', 9_000)];
    const backlog = [{ kind: 'backlog', what: 'outbox', waitedMs: 300_000 }];
    expect(listTroubles(true, createNow({ waiting }))).toEqual(backlog);
    expect(listTroubles(true, createNow({ waiting: [wait('stream', 60)] }))).toEqual([]);
    expect(listTroubles(true, { stores: [], waiting: [wait('stream', 61)] }, Date.parse(at))).toHaveLength(1);
  });

  test('the status strip counts parked items only where the database reported them', () => {
    expect(countWaiting(createNow({ waiting: [wait('parked', 1)] }), 'parked')).toBe(9);
    expect(countWaiting({ stores: [], waiting: [] }, 'parked')).toBeUndefined();
    expect(countWaiting(undefined, 'parked')).toBeUndefined();
  });
});

describe('the connection', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  /** Imported by its address: it is compiled with a browser's types, which the tests are not. */
  async function loadPage() {
    vi.stubGlobal('document', { baseURI: 'http://127.0.0.1/' });
    const load = (file: string) => import(new URL(`../../src/dashboard/${file}`, import.meta.url).pathname);
    return { api: await load('api.ts'), connection: await load('connection.ts') };
  }

  test.each([502, 503, 504])(
    'the connection is lost when a proxy answers %i in place of Weir',
    async (status) => {
      const { api, connection } = await loadPage();
      vi.stubGlobal('setTimeout', () => 0);
      const html = { 'content-type': 'text/html' };
      vi.stubGlobal('fetch', async () => new Response('<h1>Bad Gateway</h1>', { status, headers: html }));
      await expect(api.get('now')).rejects.toBeInstanceOf(api.Unreachable);
      expect(connection.connection.value).toBe('lost');

      const problem = { 'content-type': 'application/problem+json; charset=utf-8' };
      vi.stubGlobal(
        'fetch',
        async () => new Response('{"code":"STORE_UNAVAILABLE"}', { status, headers: problem }),
      );
      await expect(api.get('now')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(connection.connection.value).toBe('alive');
    },
  );
});
