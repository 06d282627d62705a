import { setImmediate } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { readWindow } from '../../src/adapters/http/plugins/trend-window.ts';
import { EventStream } from '../../src/adapters/http/routes/now-stream.ts';
import type { Now } from '../../src/api/answers.ts';
import { drawSparkline, MergedSeconds } from '../../src/cli/output/merged-seconds.ts';
import { widthOf } from '../../src/cli/output/text.ts';
import { drawScreen } from '../../src/cli/output/top-screen.ts';
import { keepAnswer } from '../../src/lib/keep-answer.ts';
import { bucketsPerFactor, Delays } from '../../src/ops/live/delays.ts';
import { describeSources } from '../../src/ops/live/now.ts';
import { NowFeed } from '../../src/ops/live/now-feed.ts';
import { type Measure, Seconds } from '../../src/ops/live/seconds.ts';

const count = (second: number, source: string, measure: Measure, value: number) => ({
  second,
  source,
  measure,
  count: value,
});

const storeError = (error: string) => ({ code: 'STORE_ERROR' as const, params: { error } });

describe('the seconds', () => {
  test('the seconds of a later look replace those of an earlier one', () => {
    const seconds = new Seconds();
    seconds.replace(0, [count(10, 'ORDER', 'purchases', 5), count(11, 'ORDER', 'purchases', 1)], []);
    seconds.replace(11, [count(11, 'ORDER', 'purchases', 4), count(12, 'ORDER', 'failed', 2)], []);
    expect(seconds.series(10, 3)).toEqual([
      { source: 'ORDER', purchases: [5, 4, 0], instances: [0, 0, 0], failed: [0, 0, 2] },
    ]);
  });

  test('the sources beyond those shown are added up, and none is lost', () => {
    const seconds = new Seconds();
    const counts = Array.from({ length: 50 }, (_, n) => count(1, `S${n}`, 'purchases', n + 1));
    seconds.replace(0, counts, []);
    const series = seconds.series(0, 2);
    expect(series).toHaveLength(20);
    expect(series.at(-1)?.source).toBe('*');
    expect(series.reduce((sum, { purchases }) => sum + (purchases[1] ?? 0), 0)).toBe(1275);
  });

  test('marks give the events between them, 0 without a mark, null before the first', () => {
    const seconds = new Seconds();
    seconds.replace(0, [], [{ second: 12, published: 100 }]);
    seconds.replace(14, [], [{ second: 14, published: 130 }]);
    expect(seconds.events(10, 6)).toEqual([null, null, null, 0, 30, 0]);
    seconds.forgetBefore(15);
    expect(seconds.events(15, 1)).toEqual([0]);
  });
});

test('delays are weighted by how many each stands for', () => {
  const delays = new Delays();
  const bucketOf = (ms: number) => Math.round(Math.log(ms) * bucketsPerFactor);
  delays.replace(0, [
    { second: 1, bucket: bucketOf(100), results: 98 },
    { second: 1, bucket: bucketOf(5_000), results: 2 },
  ]);
  const found = delays.figures(0, 60);
  expect(found?.count).toBe(100);
  expect(Math.abs((found?.p50Ms ?? 0) / 100 - 1)).toBeLessThan(0.03);
  expect(Math.abs((found?.p99Ms ?? 0) / 5_000 - 1)).toBeLessThan(0.03);
  expect(delays.figures(2, 60)).toBeUndefined();
});

test('success is a share of settled instances, also for a source with old ones alone', () => {
  const series = [{ source: 'ORDER', purchases: [9], instances: [3], failed: [1] }];
  expect(describeSources(series, new Map([['OLD', 4]]))).toEqual([
    { source: 'ORDER', total: '9', success: '3', failed: '1', processing: '0', successRate: '75.00' },
    { source: 'OLD', total: '0', success: '0', failed: '0', processing: '4', successRate: null },
  ]);
});

describe('an answer that is kept', () => {
  test('a kept answer serves all callers, and is fetched again when it is old', async () => {
    let nowMs = 0;
    let fetched = 0;
    const ask = keepAnswer(
      async () => {
        nowMs += fetched === 0 ? 10 : 500;
        return ++fetched;
      },
      { forMs: 1_000, shareOfTime: 0.1, clock: { monotonicMs: () => nowMs } },
    );
    expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
    nowMs = 999;
    expect(await ask()).toBe(1);
    nowMs = 1_000;
    expect(await ask()).toBe(2);
    nowMs = 5_999;
    expect(await ask()).toBe(2);
    nowMs = 6_000;
    expect(await ask()).toBe(3);
  });

  test('a kept answer is not kept when it is a failure', async () => {
    let asked = 0;
    const ask = keepAnswer(
      async () => {
        if (++asked === 1) throw new Error('away');
        return asked;
      },
      { forMs: 1_000 },
    );
    await expect(ask()).rejects.toThrow('away');
    expect(await ask()).toBe(2);
  });
});

test('nothing is read without listeners, and once for all of them', async () => {
  let reads = 0;
  const read = async () => ({ seconds: ++reads }) as never;
  const feed = new NowFeed({ read, readRest: read }, { maxListeners: 2, everyMs: 1 });
  const heard: unknown[][] = [[], []];
  const leave = heard.map((list) => feed.listen((news) => list.push(news)));
  expect(feed.listen(() => {})).toBeUndefined();
  while ((heard[1]?.length ?? 0) < 3) await setImmediate();
  expect(heard[0]?.[0]).toBe(heard[1]?.[0]);
  for (const each of leave) each?.();
  const before = reads;
  for (let turn = 0; turn < 50; turn++) await setImmediate();
  expect(reads).toBeLessThanOrEqual(before + 1);
  expect(feed.size).toBe(0);
});

test('a reading that hangs is a failure, with what is known without the database', async () => {
  const rest = { waiting: [], stores: [{ name: 'database', kind: 'PostgreSQL', ok: false, why: null }] };
  const feed = new NowFeed(
    { read: () => new Promise(() => {}), readRest: async () => rest },
    { maxListeners: 1, patienceMs: 5 },
  );
  const news = await new Promise((resolve) => feed.listen(resolve));
  expect(news).toEqual({ failure: new Error('no answer within 5 ms'), rest });
});

test('a listener who does not read holds one event, and is left in the end', () => {
  const patient = new EventStream();
  const impatient = new EventStream(-1);
  const text = JSON.stringify('x'.repeat(10_000));
  for (let n = 0; n < 1_000; n++) for (const stream of [patient, impatient]) stream.send('now', text);
  expect(patient.readableLength).toBeLessThan(12_000);
  expect(patient.destroyed).toBe(false);
  expect(impatient.destroyed).toBe(true);
});

describe('the window of a trend', () => {
  const now = new Date('2026-11-27T20:00:30Z');
  const read = (query: Partial<Parameters<typeof readWindow>[0]>) =>
    readWindow(
      { minutes: undefined, from: undefined, to: undefined, step: undefined, source: undefined, ...query },
      now,
    );

  test('the window of a trend is of whole steps, whose length goes with its own', () => {
    expect(read({})).toMatchObject({
      minutes: 60,
      step: 'minute',
      from: new Date('2026-11-27T19:00:00Z'),
      to: new Date('2026-11-27T20:01:00Z'),
    });
    expect(read({ from: new Date('2026-11-20T00:00:00Z') })).toMatchObject({
      step: 'hour',
      to: new Date('2026-11-27T21:00:00Z'),
    });
    expect(read({ from: new Date('2025-01-01T00:00:00Z') }).step).toBe('day');
    expect(read({ minutes: 10_080 }).step).toBe('hour');
  });

  test('an invalid window of a trend is rejected', () => {
    for (const query of [
      { minutes: 5, from: now },
      { to: now },
      { from: new Date('2026-12-01T00:00:00Z') },
      { from: new Date('2026-11-01T00:00:00Z'), step: 'minute' as const },
      // The step ends in the year 10000, which no store can hold.
      { from: new Date('9999-12-31T00:00:00Z'), to: new Date('9999-12-31T23:59:59Z'), step: 'day' as const },
    ]) {
      expect(() => read(query), JSON.stringify(query)).toThrow(
        expect.objectContaining({ code: 'REQUEST_INVALID' }),
      );
    }
  });
});

describe('the live view', () => {
  const answer: Now = {
    at: '2026-11-27T20:00:10.500Z',
    from: '2026-11-27T20:00:00.000Z',
    seconds: 10,
    series: [
      {
        source: 'SECKILL',
        purchases: Array(10).fill(1500),
        instances: Array(10).fill(7),
        failed: Array(10).fill(0),
      },
    ],
    events: [null, ...Array(9).fill(20)],
    sources: [
      { source: 'SECKILL', total: '9', success: '3', failed: '1', processing: '12345', successRate: '98.10' },
    ],
    delay: { count: 70, p50Ms: 812, p99Ms: 3_120 },
    waiting: [{ what: 'stream', count: null, oldestAt: '2026-11-27T20:00:08.500Z' }],
    stores: [{ name: 'queue', kind: 'RabbitMQ', ok: false, why: storeError('reconnecting') }],
    intakePaused: true,
    audit: { ok: false, auditedAt: '2026-11-27T19:59:10.500Z', exceptions: 3 },
  };
  const seconds = new MergedSeconds(20);
  seconds.add(answer);
  const draw = (width: number, paint = (_: string, text: string) => text) =>
    drawScreen(answer, seconds, { url: 'http://x', width, paint });

  test('the live view shows rates, backlog, unavailable stores and differences', () => {
    const text = draw(100).join('\n');
    for (const told of [
      '1,500/s',
      '12,345',
      '98.10',
      'p50 812 ms',
      'unknown',
      '2.0 s',
      '✗ queue (RabbitMQ): reconnecting',
      '✗ 3 exceptions',
      'intake paused',
    ]) {
      expect(text).toContain(told);
    }
  });

  test('a small terminal keeps what matters most and names what is missing', () => {
    const drawIn = (width: number, height: number) =>
      drawScreen(answer, seconds, { url: 'http://x', width, height, paint: (_, text) => text });
    const low = drawIn(40, 9);
    expect(low.length).toBeLessThanOrEqual(9);
    for (const told of ['q quits', 'stream', '✗ queue', 'too small: enlarge to see rates, sources'])
      expect(low.join('\n')).toContain(told);
    expect(drawIn(80, 40).join('\n')).toContain('the last 20.0 s');
    const slim = drawIn(24, 30).join('\n');
    for (const whole of ['1,500/s', 'p50 812 ms', 'unknown']) expect(slim).toContain(whole);
    expect(slim).not.toMatch(/[▁-█]/);
    expect(drawIn(40, 30).join('\n')).toContain('12,345');
    for (let height = 1; height < 40; height++) expect(drawIn(30, height).length).toBeLessThanOrEqual(height);
  });

  test('the reason of an unavailable store is shown in full', () => {
    const why = 'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED"';
    const stores = [{ name: 'queue', kind: 'RabbitMQ', ok: false, why: storeError(why) }];
    const lines = drawScreen({ ...answer, stores }, seconds, {
      url: 'http://x',
      width: 60,
      paint: (_, text) => text,
    });
    expect(lines.map((line) => line.trim()).join(' ')).toContain(`✗ queue: ${why}`);
  });

  test('the live screen escapes control characters and stays within its lines', () => {
    const why = 'NOAUTH\n✓ all is well\x1b[2J\u009b1m\u202e 云服务器云服务器云服务器云服务器';
    const stores = [{ name: 'queue', kind: 'RabbitMQ', ok: false, why: storeError(why) }];
    const none = { total: '0', success: '0', failed: '0', processing: '1', successRate: null };
    const sources = [{ ...none, source: 'A\x1b[31m\n' }];
    const options = { url: 'http://x', width: 40, paint: (_: string, text: string) => text };
    const lines = drawScreen({ ...answer, stores, sources }, seconds, { ...options, failure: why });
    expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(lines.join(' ')).toContain(String.raw`NOAUTH\n✓ all is well\x1b[2J`);
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(40);
  });

  test('the live view is never wider than the terminal, colors or not', () => {
    for (const width of [20, 40, 80]) {
      for (const line of draw(width)) expect([...line].length).toBeLessThanOrEqual(width);
      const colored = draw(width, (_, text) => `\u001b[1m${text}\u001b[22m`);
      expect(colored.map((line) => stripVTControlCharacters(line))).toEqual(draw(width));
    }
  });

  test('seconds that arrive twice are merged by their time', () => {
    const merged = new MergedSeconds(12);
    merged.add(answer);
    merged.add({ ...answer, from: '2026-11-27T20:00:02.000Z', events: Array(10).fill(5) });
    expect(merged.values('events')).toEqual([undefined, 20, ...Array(10).fill(5)]);
    expect(merged.values('purchases', 'SECKILL')).toEqual(Array(12).fill(1500));
  });

  test('the live view leaves a gap for unknown seconds, and merges where they do not fit', () => {
    expect(drawSparkline([undefined, 0, 7, 14], 4)).toBe(' ▁▅█');
    expect(drawSparkline([0, 0, 8, 8], 2)).toBe('▁█');
  });
});
