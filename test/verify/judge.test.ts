import { describe, expect, test } from 'vitest';
import { toUserUuid } from '../../verify/src/domain/user-id.ts';
import type { Operation } from '../../verify/src/history/operation.ts';
import { judge } from '../../verify/src/judge/judge.ts';
import { findGaps, findSlowest } from '../../verify/src/judge/recovery.ts';
import type { Kind } from '../../verify/src/judge/violation.ts';
import { kinds } from '../../verify/src/judge/violation.ts';
import { outcomeCases } from './outcome-cases.ts';
import { purchaseCases } from './purchase-cases.ts';
import {
  createSample,
  operationOf,
  receive,
  removeInstance,
  rowOf,
  type Sample,
  toEvent,
} from './sample-evidence.ts';

/** What the judge names, as `kind subject`. */
function findViolations(sample: Sample): string[] {
  return judge(sample).violations.map(({ kind, subject }) => `${kind} ${subject}`);
}

test('evidence in which all promises hold has no violation', () => {
  expect(judge(createSample())).toEqual({ violations: [], allowed: [] });
});

const cases = [...purchaseCases, ...outcomeCases];

describe('each violation is named', () => {
  test.each(cases)('%s is named', (_, expected, change) => {
    const sample = createSample();
    change(sample);
    const found = findViolations(sample);
    expect(found.filter((each) => each.startsWith(expected))).not.toEqual([]);
  });

  test('every kind of violation has a case', () => {
    const covered = new Set(
      cases.flatMap(([, expected]) => Object.keys(kinds).filter((kind) => expected.startsWith(kind))),
    );
    expect([...covered].sort()).toEqual(Object.keys(kinds).sort());
  });
});

describe('what is allowed is no violation', () => {
  const allowed: [string, (sample: Sample) => void][] = [
    [
      'an entry whose answer was lost, without an instance',
      (sample) => {
        removeInstance(sample, '103');
        operationOf(sample, 0).attempts = [];
        const answer = { outcome: 'unknown', cause: 'Connection is closed.' } as const;
        operationOf(sample, 0).attempts.push({ sentAtMs: 1, answeredAtMs: 2, answer });
      },
    ],
    [
      'an entry whose answer was lost, with one instance',
      (sample) => {
        const answer = { outcome: 'unknown', cause: 'Connection is closed.' } as const;
        operationOf(sample, 0).attempts = [{ sentAtMs: 1, answeredAtMs: 2, answer }];
      },
    ],
    [
      'a refusal by a replica a moment after another accepted',
      (sample) => {
        const answer = { outcome: 'refused', code: '409 SOLD_OUT' } as const;
        operationOf(sample, 4).attempts.push({ sentAtMs: 1_200, answeredAtMs: 1_201, answer });
      },
    ],
    [
      'an instance that was given up and released',
      (sample) => {
        rowOf(sample, '101').reason = 'TIMEOUT';
        sample.messages.answers.set('101', true);
        const event = toEvent(sample.shop, rowOf(sample, '101'));
        sample.messages.releases.push(receive('release-101', event));
      },
    ],
    [
      'events that came several times',
      ({ messages }) => Object.assign(messages.events[3] ?? {}, { copies: 9 }),
    ],
  ];
  test.each(allowed)('%s holds', (_, change) => {
    const sample = createSample();
    change(sample);
    expect(findViolations(sample)).toEqual([]);
  });

  test('an entry that Redis lost is allowed only where Redis may lose', () => {
    const sample = createSample();
    removeInstance(sample, '103');
    sample.entries.set('1-1', 'absent');
    expect(judge(sample).violations.map(({ kind }) => kind)).toEqual<Kind[]>(['lost']);
    sample.redisMayLose = true;
    expect(judge(sample).violations).toEqual([]);
    expect(judge(sample).allowed.map(({ kind }) => kind)).toEqual<Kind[]>(['lost']);
  });

  test('an entry that Weir took and lost is lost also where Redis may lose', () => {
    const sample = { ...createSample(), redisMayLose: true };
    removeInstance(sample, '103');
    sample.entries.set('1-1', 'taken');
    expect(judge(sample).violations.map(({ kind }) => kind)).toEqual<Kind[]>(['lost']);
  });

  test('without a consumer of its own the checker does not miss events', () => {
    const { messages: _, ...sample } = createSample();
    expect(judge({ ...sample, messages: undefined }).violations).toEqual([]);
  });
});

test('the slowest recovery is the longest gap between answers of one way', () => {
  const answered = (answeredAtMs: number): Operation => ({
    ...(createSample().operations[3] as Operation),
    startedAtMs: answeredAtMs - 5,
    attempts: [{ sentAtMs: answeredAtMs - 5, answeredAtMs, answer: { outcome: 'ok', id: '1' } }],
  });
  const gaps = findGaps([100, 200, 5_200, 5_300].map(answered), [100, 900], 0);
  expect(findSlowest(gaps)).toEqual({ lane: 'instance', gapMs: 5_000, fromMs: 200 });
  expect(gaps).toContainEqual({ lane: 'events', gapMs: 800, fromMs: 100 });
  expect(findGaps([answered(100)], [], 1_000)).toEqual([]);
});

test('user ids become the UUIDs of the contract', () => {
  expect(toUserUuid(123n)).toBe('00000000-0000-8000-8000-00000000007b');
  expect(toUserUuid(2n ** 62n)).toBe('00000000-0000-8001-8000-000000000000');
  expect(toUserUuid(2n ** 63n - 1n)).toBe('00000000-0000-8001-bfff-ffffffffffff');
});
