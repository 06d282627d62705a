import { describe, expect, test } from 'vitest';
import type { Now } from '../../src/api/answers.ts';
import { SecondBook } from '../../src/dashboard/live/second-book.ts';
import { placeValues, roundUp, scaleFor, sumUp } from '../../src/dashboard/parts/chart-scale.ts';
import { parseTime, readRoute, writeRoute } from '../../src/dashboard/route.ts';
import { SaleRate } from '../../src/dashboard/views/sale-rate.ts';
import { findStep, spreadTrend } from '../../src/dashboard/views/trend-series.ts';

const startMs = Date.UTC(2026, 10, 24, 10, 0, 0);

/** An answer about some seconds from `start` on, with the given purchases of one source. */
function answer(start: number, purchases: number[], source = 'ORDER'): Now {
  return {
    at: new Date(startMs + (start + purchases.length) * 1_000).toISOString(),
    from: new Date(startMs + start * 1_000).toISOString(),
    seconds: purchases.length,
    series: [{ source, purchases, instances: purchases.map(() => 1), failed: purchases.map(() => 0) }],
    events: purchases,
    sources: [],
    delay: null,
    waiting: [],
    stores: [],
    intakePaused: false,
    audit: null,
  };
}

describe('the book of seconds', () => {
  test('overlapping answers make one series, and the later answer is right', () => {
    const book = new SecondBook();
    book.take(answer(0, [1, 2, 3]));
    book.take(answer(2, [4, 5]));
    expect(book.listBySource('purchases', 4)).toEqual([{ name: 'ORDER', values: [1, 2, 4, 5] }]);
    expect(book.listEvents(4)).toEqual([1, 2, 4, 5]);
    expect(book.fromMs(4)).toBe(startMs);
    expect(book.countBySource(4)).toEqual([{ source: 'ORDER', purchases: 12, instances: 4, failed: 0 }]);
  });

  test('a source that was not there before counts nothing before', () => {
    const book = new SecondBook();
    book.take(answer(0, [1, 2]));
    book.take(answer(2, [7], 'SECKILL'));
    expect(book.listBySource('purchases', 3)).toEqual([
      { name: 'ORDER', values: [1, 2, 0] },
      { name: 'SECKILL', values: [0, 0, 7] },
    ]);
  });

  test('what is not known yet is not zero', () => {
    const book = new SecondBook();
    book.take({ ...answer(0, [1, 2]), events: [1, null] });
    expect(book.listEvents(2)).toEqual([1, Number.NaN]);
    book.take({ ...answer(1, [2]), events: [2] });
    expect(book.listEvents(2)).toEqual([1, 2]);
  });

  test('unknown seconds are a gap: not drawn, not in a rate, and filled in later', () => {
    const book = new SecondBook();
    book.take(answer(0, [6]));
    book.take(answer(3, [4, 2]));
    expect(book.listBySource('purchases', 5)).toEqual([
      { name: 'ORDER', values: [6, Number.NaN, Number.NaN, 4, 2] },
    ]);
    expect(book.rateOf('purchases', 5)).toBe(4);
    expect(book.rateOf('purchases', 2)).toBe(3);
    expect(book.listOfAll('purchases', 5)).toEqual([6, Number.NaN, Number.NaN, 4, 2]);
    book.take(answer(4, [5], 'SECKILL'));
    expect(book.listOfAll('instances', 2)).toEqual([1, 1]);
    book.take(answer(4, [2]));
    expect(new SecondBook().rateOf('purchases', 5)).toBeNaN();
    book.take(answer(0, [6, 7, 8, 4, 2]));
    expect(book.listBySource('purchases', 5)).toEqual([{ name: 'ORDER', values: [6, 7, 8, 4, 2] }]);
  });

  test('seconds that lie further back than the longest window are forgotten', () => {
    const book = new SecondBook();
    book.take(answer(0, [9]));
    book.take(answer(900, [1]));
    expect(book.listEvents(902)[1]).toBeNaN();
    expect(book.listEvents(1)).toEqual([1]);
  });
});

describe('scales', () => {
  test('the axis ends at a round number at or above the most', () => {
    expect([0, 1, 3, 10, 11, 87, 101, 2_500].map(roundUp)).toEqual([2, 2, 4, 10, 20, 100, 200, 4_000]);
  });

  test('one burst makes an axis logarithmic from 0 on, steady traffic does not', () => {
    const series = (values: number[]) => [{ name: 'ORDER', values }];
    expect(scaleFor(series([3, 4, 5, Number.NaN]), false)).toMatchObject({ isLogarithmic: false, top: 6 });
    expect(scaleFor(series([400, 500, 900]), false).isLogarithmic).toBe(false);
    const { isLogarithmic, top, splits, placeOf, valueAt } = scaleFor(series([3, 4, 5, 9_000]), false);
    expect(isLogarithmic).toBe(true);
    expect(splits.map(valueAt)).toEqual([0, 1, 10, 100, 1_000, 10_000]);
    expect([placeOf(0), placeOf(10_000)]).toEqual([0, top]);
    expect(placeOf(4) / top).toBeGreaterThan(0.2);
    expect(scaleFor(series([3, 4, 5, 9_000]), true).isLogarithmic).toBe(false);
  });

  test('stacked values lie on each other, and what is unknown is a gap', () => {
    const series = [
      { name: 'A', values: [1, Number.NaN] },
      { name: 'B', values: [2, 3] },
    ];
    expect(placeValues(series, scaleFor(series, true), true)).toEqual([
      [3, null],
      [1, null],
    ]);
    expect(placeValues(series, scaleFor(series, false), false)).toEqual([
      [1, null],
      [2, 3],
    ]);
  });

  test('the table of a chart loses nothing: its sums are those of the chart', () => {
    const values = Array.from({ length: 301 }, (_, i) => i);
    const { size, sums } = sumUp(values, 30);
    expect(size).toBe(11);
    expect(sums.length).toBeLessThanOrEqual(30);
    expect(sums.reduce((a, b) => a + b)).toBe((300 * 301) / 2);
  });

  test('the table of a chart leaves a gap where nothing is known', () => {
    const { sums } = sumUp([1, Number.NaN, Number.NaN, Number.NaN], 2);
    expect(sums).toEqual([1, Number.NaN]);
  });
});

describe('the trend', () => {
  const from = new Date(startMs + 30_000);
  const to = new Date(startMs + 210_000);

  test('the trend has a place for every step of the window, also for empty ones', () => {
    const rows = [
      {
        bucketStart: new Date(startMs + 120_000).toISOString(),
        source: 'ORDER',
        count: '5',
        success: '0',
        failed: '0',
      },
      {
        bucketStart: new Date(startMs).toISOString(),
        source: 'ORDER',
        count: '2',
        success: '0',
        failed: '0',
      },
    ];
    const spread = spreadTrend(rows, from.getTime(), to.getTime(), 'minute');
    expect(spread).toEqual({
      fromMs: startMs,
      stepMs: 60_000,
      steps: 4,
      series: [{ name: 'ORDER', values: [2, 0, 5, 0] }],
    });
  });

  test('the trend takes the step that was asked for, else one that fits the window', () => {
    expect(findStep('day', from, to)).toBe('day');
    expect(findStep('century', from, to)).toBe('minute');
    expect(findStep(null, new Date(startMs - 86_400_000), to)).toBe('hour');
    expect(findStep(null, new Date(startMs - 40 * 86_400_000), to)).toBe('day');
  });
});

test('the rate of a sale is what was sold in the last minute, and never negative', () => {
  const rate = new SaleRate();
  expect(rate.observe(10, 0)).toBeUndefined();
  expect(rate.observe(20, 30_000)).toBe(20);
  expect(rate.observe(5, 60_000)).toBe(0);
  expect(rate.observe(65, 120_000)).toBe(60);
});

test('an address survives being written and read, whatever its id holds', () => {
  const id = '17955-0/?#&=%';
  const route = readRoute(writeRoute('instances', id, { q: 'a b&c', status: undefined }));
  expect(route).toMatchObject({ view: 'instances', id });
  expect([...route.query]).toEqual([['q', 'a b&c']]);
  expect(readRoute('')).toMatchObject({ view: 'now', id: undefined });
});

test('a time in an address is a time only where it is written as one', () => {
  expect(parseTime('2026-11-24T10:00:00.000Z')).toEqual(new Date(startMs));
  for (const text of ['', 'now', 'document.title=1', '2026-13-45T00:00:00Z', '12']) {
    expect(parseTime(text), text).toBeUndefined();
  }
});
