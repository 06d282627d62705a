import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readMix, takeTurns } from '../../src/cli/load/mix.ts';
import { runOpenLoop } from '../../src/cli/load/open-loop.ts';
import { countArrivals, planArrivals, randomStep } from '../../src/cli/load/plan-arrivals.ts';
import { readDuration, readLoadShape } from '../../src/cli/load/read-stages.ts';
import { Sample } from '../../src/cli/load/sample.ts';

describe('the schedule of arrivals', () => {
  test('a constant rate is due in even intervals, the first at once', () => {
    const due = [...planArrivals(readLoadShape({ rate: '4', duration: '1s' }))];
    expect(due).toEqual([0, 250, 500, 750]);
  });

  test('a ramp from 0 has a quarter of its arrivals in its first half', () => {
    const due = [...planArrivals(readLoadShape({ stage: ['10s:200'] }))];
    expect(due).toHaveLength(1_000);
    expect(due.filter((ms) => ms < 5_000)).toHaveLength(250);
    expect(due[1]).toBeCloseTo(Math.sqrt(2 / 20) * 1000, 6);
  });

  test('a stage goes on where the one before ended, also down to nothing', () => {
    const due = [...planArrivals(readLoadShape({ stage: ['1s:100', '1s:100', '1s:0'] }))];
    const perSecond = [0, 1, 2].map((second) => due.filter((ms) => Math.floor(ms / 1000) === second).length);
    expect(perSecond).toEqual([50, 100, 50]);
  });

  test('a stage without a rate is a pause', () => {
    const due = [
      ...planArrivals(readLoadShape({ rate: '2', stage: ['1s:2', '1ms:0', '10s:0', '1ms:2', '1s:2'] })),
    ];
    expect(due.filter((ms) => ms > 1_002 && ms < 11_000)).toEqual([]);
    expect(due.filter((ms) => ms > 11_000)).toHaveLength(2);
  });

  test('times never go back, stay within the stages and are as many as the area below', () => {
    const stage = fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 0, max: 500 }));
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 500 }),
        fc.array(stage, { minLength: 1, maxLength: 5 }),
        (startRate, all) => {
          const shape = { startRate, stages: all.map(([durationMs, rate]) => ({ durationMs, rate })) };
          const due = [...planArrivals(shape)];
          const endMs = shape.stages.reduce((sum, { durationMs }) => sum + durationMs, 0);
          expect(due).toEqual([...due].sort((a, b) => a - b));
          expect(due.every((ms) => ms >= 0 && ms <= endMs)).toBe(true);
          expect(Math.abs(due.length - countArrivals(shape))).toBeLessThan(1.001);
        },
      ),
    );
  });

  test('random arrivals have the same rate, and intervals as varied as their mean', () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    const due = [...planArrivals(readLoadShape({ rate: '100', duration: '200s' }), () => randomStep(random))];
    expect(Math.abs(due.length - 20_000)).toBeLessThan(600);
    const intervals = due.slice(1).map((ms, i) => ms - (due[i] ?? 0));
    const mean = intervals.reduce((a, b) => a + b, 0) / intervals.length;
    const variance = intervals.reduce((sum, ms) => sum + (ms - mean) ** 2, 0) / intervals.length;
    expect(mean).toBeGreaterThan(9.5);
    expect(mean).toBeLessThan(10.5);
    expect(Math.sqrt(variance) / mean).toBeGreaterThan(0.95);
    expect(Math.sqrt(variance) / mean).toBeLessThan(1.05);
  });

  test.for([
    [{ stage: ['30s'] }, '--stage 30s: expected TIME:RATE, such as 30s:100'],
    [{ stage: ['30:100'] }, '--stage 30:100: 30: expected a time from 1ms to 24h, such as 500ms, 30s or 2m'],
    [{ stage: ['30s:many'] }, '--stage 30s:many: many: expected a rate from 0 to 100000 a second'],
    [{ stage: ['1s:1:1'] }, '--stage 1s:1:1: expected TIME:RATE, such as 30s:100'],
    [{ stage: ['1s:0'] }, '--stage: expected a rate above 0 in at least one stage'],
    [{ stage: ['20h:1', '20h:1'] }, '--stage: expected at most 24h'],
    [
      { stage: ['1s:1'], duration: '1s' },
      '--duration and --stage exclude each other: each stage has its own',
    ],
    [{ rate: '0' }, '--rate 0: expected a rate from 1 to 100000 a second'],
    [{ rate: '1e3' }, '--rate 1e3: expected a rate from 1 to 100000 a second'],
    [{ duration: '0s' }, '--duration 0s: expected a time from 1ms to 24h, such as 500ms, 30s or 2m'],
  ] as const)('%j is refused with its rule', ([options, sentence]) => {
    expect(() => readLoadShape(options)).toThrow(sentence);
  });

  test('a time has a unit, and 0 only where it is allowed', () => {
    expect(['1500ms', '2m', '24h'].map((text) => readDuration('--x', text))).toEqual([
      1_500, 120_000, 86_400_000,
    ]);
    expect(readDuration('--x', '0s', 0)).toBe(0);
    expect(() => readDuration('--x', '-1s', 0)).toThrow('from 0s to 24h');
  });
});

describe('the mix', () => {
  test('turns go by weight and are interleaved', () => {
    const next = takeTurns(readMix('buy=3,order'));
    expect(
      Array.from({ length: 8 }, next)
        .map((name) => name[0])
        .join(''),
    ).toBe('bbobbbob');
  });

  test.for(['', 'cook', 'buy=0', 'buy=1001', 'buy,buy', 'buy=x', 'buy=1=2'])(
    'the mix "%s" is refused',
    (text) => {
      expect(() => readMix(text)).toThrow(`--mix ${text}: expected each of buy, stream, order, instance`);
    },
  );
});

describe('the open loop', () => {
  /** Time that passes only while the loop waits. */
  const createWorld = () => {
    const world = { nowMs: 5_000, answers: [] as (() => void)[], started: [] as number[], dropped: 0 };
    const stop = new AbortController();
    return {
      ...{ world, stop },
      loop: {
        clock: { monotonicMs: () => world.nowMs },
        signal: stop.signal,
        maxInFlight: 3,
        wait: async (ms: number) => {
          world.nowMs += ms;
        },
        start: (_: number, plannedMs: number) => {
          world.started.push(plannedMs - 5_000);
          return new Promise<void>((resolve) => world.answers.push(resolve));
        },
        onDropped: () => world.dropped++,
      },
    };
  };

  test('arrivals begin when they are due though none before has been answered', async () => {
    const { world, loop } = createWorld();
    const inFlight = await runOpenLoop({ ...loop, arrivals: [0, 100, 200] });
    expect({ started: world.started, inFlight: inFlight.size }).toEqual({
      started: [0, 100, 200],
      inFlight: 3,
    });
  });

  test('an arrival that is due while too many are in flight is dropped, not delayed', async () => {
    const { world, loop } = createWorld();
    await runOpenLoop({ ...loop, arrivals: [0, 1, 2, 3, 4] });
    expect(world).toMatchObject({ started: [0, 1, 2], dropped: 2, nowMs: 5_004 });
  });

  test('an arrival that this process is late with keeps the time at which it was due', async () => {
    const { world, loop } = createWorld();
    const wait = async () => {
      world.nowMs += 1_000;
    };
    await runOpenLoop({ ...loop, wait, arrivals: [10, 20, 30] });
    expect(world).toMatchObject({ started: [10, 20, 30], nowMs: 6_000 });
  });

  test('nothing begins after the stop', async () => {
    const { world, stop, loop } = createWorld();
    const wait = async () => stop.abort();
    await runOpenLoop({ ...loop, wait, arrivals: [0, 1_000, 2_000] });
    expect(world.started).toEqual([0]);
  });
});

test('a sample has each value with the same chance, and no more than its size', () => {
  const counts = Array<number>(10).fill(0);
  for (let run = 0; run < 2_000; run++) {
    const sample = new Sample<number>(5);
    for (let value = 0; value < 10; value++) sample.add(value);
    expect([sample.values.length, sample.seen]).toEqual([5, 10]);
    for (const value of sample.values) counts[value] = (counts[value] ?? 0) + 1;
  }
  // 1,000 each, with a standard deviation of 22.
  expect(Math.min(...counts)).toBeGreaterThan(850);
  expect(Math.max(...counts)).toBeLessThan(1_150);
});
