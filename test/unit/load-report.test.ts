import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluateRule, readFailRules } from '../../src/cli/load/fail-rules.ts';
import { Latencies } from '../../src/cli/load/latencies.ts';
import { LoadTally } from '../../src/cli/load/load-tally.ts';

describe('latencies', () => {
  test('every percentile is within 0.1 % and 1 µs of the sorted values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 120_000, noNaN: true }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(1, 50, 90, 99, 99.9, 100),
        (values, percent) => {
          const latencies = new Latencies();
          for (const value of values) latencies.add(value);
          const sorted = values.sort((a, b) => a - b);
          // Either of the two neighbours when the percentile falls between them.
          const rank = Math.max(1, (percent / 100) * sorted.length);
          const low = sorted[Math.max(0, Math.floor(rank + 1e-9) - 1)] as number;
          const high = sorted[Math.min(sorted.length, Math.ceil(rank + 1e-9)) - 1] as number;
          const found = latencies.at(percent) as number;
          expect(found).toBeGreaterThanOrEqual(low * 0.999 - 0.001);
          expect(found).toBeLessThanOrEqual(high * 1.001 + 0.001);
        },
      ),
    );
  });

  test('without a value there is no percentile, also after a clear', () => {
    const latencies = new Latencies();
    expect([latencies.at(50), latencies.at(100), latencies.summarize()]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    latencies.add(5);
    latencies.clear();
    expect(latencies.summarize()).toBeUndefined();
  });
});

describe('the tally', () => {
  test('each answer is counted by kind, status and code, and by second', () => {
    const tally = new LoadTally();
    tally.sent('buy', 0);
    tally.sent('buy', 1);
    tally.dropped('buy', 2);
    tally.answered('buy', { status: 202 }, 10, 20);
    tally.answered('buy', { status: 409, code: 'SOLD_OUT' }, 30, 2_100);
    tally.sent('order', 2_200);
    tally.answered('order', { status: 409, code: 'IDEMPOTENCY_CONFLICT' }, 40, 2_200);
    expect(tally.figures('buy')).toMatchObject({
      ...{ sent: 2, accepted: 1, refused: 1, errors: 0, dropped: 1 },
      answers: { '202': 1, '409 SOLD_OUT': 1 },
      latency: { count: 2 },
    });
    expect(tally.figures('order')).toMatchObject({ refused: 0, errors: 1 });
    expect(tally.figures()).toMatchObject({ sent: 3, errors: 1, latency: { count: 3 } });
    expect(
      tally.series.map(({ second, sent, answered, dropped }) => [second, sent, answered, dropped]),
    ).toEqual([
      [0, 2, 1, 1],
      [1, 0, 0, 0],
      [2, 1, 2, 0],
    ]);
    expect(tally.series.map(({ maxMs }) => maxMs && Math.round(maxMs))).toEqual([10, undefined, 40]);
  });

  test('a refused connection is an error without a time, a request given up has one', () => {
    const tally = new LoadTally();
    tally.answered('instance', { status: 0, code: 'ECONNREFUSED' }, 1, 1);
    expect(tally.figures()).toEqual(expect.not.objectContaining({ latency: expect.anything() }));
    tally.answered('instance', { status: 0, code: 'TIMEOUT' }, 30_000, 30_000);
    expect(tally.figures()).toMatchObject({
      errors: 2,
      answers: { 'no answer ECONNREFUSED': 1, 'no answer TIMEOUT': 1 },
      latency: { count: 1 },
    });
  });
});

describe('rules for a failure', () => {
  const subjects = {
    requests: ['buy', 'order', 'callback'],
    steps: ['created', 'settled'],
    isFollowed: true,
  };
  const read = (...texts: string[]) => readFailRules(texts, subjects);

  test('errors, dropped and unfinished fail above 0 unless a rule is about them', () => {
    expect(read().map(({ text }) => text)).toEqual(['errors>0', 'dropped>0', 'unfinished>0']);
    expect(read('errors>1%', 'buy.dropped>9').map(({ text }) => text)).toEqual([
      'errors>1%',
      'buy.dropped>9',
      'unfinished>0',
    ]);
    expect(readFailRules([], { ...subjects, isFollowed: false }).map(({ text }) => text)).not.toContain(
      'unfinished>0',
    );
  });

  test('a rule is a kind, a metric, a comparison and a limit with its unit', () => {
    expect(read('buy.p99.9 >= 1.5s')[0]).toMatchObject({
      of: 'buy',
      metric: 'p99.9',
      comparison: '>=',
      limit: 1_500,
    });
    expect(read('settled.max>2s')[0]).toMatchObject({ of: 'settled', metric: 'max', limit: 2_000 });
    expect(read('errors>0.1%')[0]).toMatchObject({ of: undefined, limit: 0.1, isShare: true });
  });

  test.for([
    ['p99', 'METRIC>VALUE'],
    ['p99=5ms', 'METRIC>VALUE'],
    ['p100>5ms', 'METRIC>VALUE'],
    ['latency>5ms', 'METRIC>VALUE'],
    ['p99>-5ms', 'METRIC>VALUE'],
    ['', 'METRIC>VALUE'],
    ['p0>5ms', 'a percentile above 0'],
    ['p99>500', 'a time for p99'],
    ['p99>5%', 'a time for p99'],
    ['errors>5ms', 'a number for errors, or a percentage'],
    ['rate<5%', 'answers a second'],
    ['stream.p99>5ms', 'one of buy, order, callback before the dot'],
    ['created.errors>0', 'one of buy, order, callback before the dot'],
    ['buy.unfinished>0', 'nothing before unfinished'],
  ])('the rule "%s" is refused with what was expected', ([text = '', expected = '']) => {
    expect(() => read(text)).toThrow(`--fail-if ${text}: expected ${expected}`);
  });

  test('a rule about results needs a wait for them', () => {
    for (const text of ['settled.p99>1s', 'unfinished>5']) {
      expect(() => readFailRules([text], { ...subjects, isFollowed: false })).toThrow('--wait above 0s');
    }
  });

  test('a rule is breached when it holds, or when nothing was measured', () => {
    const judge = (text: string, measured: Parameters<typeof evaluateRule>[1]) => {
      const [rule] = read(text);
      return evaluateRule(rule as NonNullable<typeof rule>, measured);
    };
    const counts = { errors: { count: 2, of: 1_000 }, rate: { count: 900, of: 1 } };
    expect(judge('errors>0.2%', { counts })).toMatchObject({ value: 0.2, breached: false });
    expect(judge('errors>=0.2%', { counts })).toMatchObject({ breached: true });
    expect(judge('errors>1', { counts })).toMatchObject({ value: 2, breached: true });
    expect(judge('rate<900', { counts })).toMatchObject({ breached: false });
    expect(judge('rate<=900', { counts })).toMatchObject({ breached: true });
    expect(judge('errors>1%', { counts: { errors: { count: 0, of: 0 } } })).toMatchObject({
      breached: false,
    });
    expect(judge('buy.max>1s', { at: (percent) => percent * 11 })).toMatchObject({
      value: 1_100,
      breached: true,
    });
    expect(judge('p99<1s', { at: () => undefined })).toEqual({ rule: 'p99<1s', breached: true });
    expect(judge('p99>1s', undefined)).toEqual({ rule: 'p99>1s', breached: true });
  });
});
