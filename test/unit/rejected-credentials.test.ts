import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RejectedCredentials } from '../../src/adapters/http/plugins/rejected-credentials.ts';
import type { TelemetryEvent } from '../../src/ops/telemetry/events.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function createRejected(isLimited = false) {
  const seen: TelemetryEvent[] = [];
  const rejected = new RejectedCredentials((event) => seen.push(event), isLimited);
  return {
    rejected,
    /** @returns how many got 429 */
    note(count: number, ip: string, kind: 'key' | 'signature' = 'key') {
      let refused = 0;
      for (let i = 0; i < count; i++) {
        try {
          rejected.note(kind, { ip });
        } catch (error) {
          expect(error).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) });
          refused++;
        }
      }
      return refused;
    },
    count: () => seen.filter(({ type }) => type === 'credential rejected').length,
    takeLines: () =>
      seen
        .splice(0)
        .flatMap((each) =>
          each.type === 'credentials rejected' ? [`${each.kind} ${each.address} ${each.count}`] : [],
        ),
  };
}

describe('a wrong key or signature', () => {
  test('the first wrong key is logged at once, the rest of its minute in one line', () => {
    const { note, takeLines, count } = createRejected();
    note(7_000, '203.0.113.7');
    expect(count()).toBe(7_000);
    expect(takeLines()).toEqual(['key 203.0.113.7 1']);
    vi.advanceTimersByTime(60_000);
    expect(takeLines()).toEqual(['key 203.0.113.7 6999']);
    note(5, '203.0.113.7');
    expect(takeLines()).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(takeLines()).toEqual(['key 203.0.113.7 5']);
  });

  test('a wrong key after a quiet minute is logged at once again', () => {
    const { note, takeLines } = createRejected();
    note(1, '203.0.113.7');
    vi.advanceTimersByTime(60_000);
    expect(vi.getTimerCount()).toBe(0);
    note(1, '203.0.113.7');
    expect(takeLines()).toEqual(['key 203.0.113.7 1', 'key 203.0.113.7 1']);
  });

  test('wrong keys of ten thousand addresses make a hundred lines and one for others', () => {
    const { note, takeLines } = createRejected();
    for (let i = 0; i < 10_000; i++) note(1, `10.0.${i >> 8}.${i & 255}`);
    vi.advanceTimersByTime(60_000);
    const lines = takeLines();
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toBe('key others 9900');
  });

  test('wrong keys are limited by kind and address, and an IPv6 /64 is one', () => {
    const { note } = createRejected(true);
    expect(note(120, '2001:db8::1')).toBe(0);
    expect(note(100, '2001:db8::2')).toBe(100);
    expect(note(1, '2001:db8::2', 'signature')).toBe(0);
    expect(note(1, '2001:db8:0:1::2')).toBe(0);
    vi.advanceTimersByTime(1_000);
    expect(note(3, '2001:db8::3')).toBe(1);
  });

  test('wrong signatures that were not logged yet are logged at the end', () => {
    const { note, takeLines, rejected } = createRejected();
    note(3, '203.0.113.7', 'signature');
    rejected.close();
    expect(takeLines()).toEqual(['signature 203.0.113.7 1', 'signature 203.0.113.7 2']);
    expect(vi.getTimerCount()).toBe(0);
  });
});
