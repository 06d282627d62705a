import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxJsonDepth, nestsTooDeep } from '../../src/adapters/http/plugins/json-depth.ts';

const isTooDeep = (text: string) => nestsTooDeep(Buffer.from(text));
const nest = (levels: number, inside = '') => '['.repeat(levels) + inside + ']'.repeat(levels);

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('any JSON nests too deep exactly when its value does', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat(40), (value, levels) => {
      const text = nest(levels, JSON.stringify(value));
      expect(isTooDeep(text)).toBe(levels + depthOf(value) > maxJsonDepth);
    }),
  );
});

test('brackets in strings and escaped quotes are text', () => {
  for (const text of ['[', '"[', '\\"[[', '\\\\"', '{']) {
    expect(isTooDeep(JSON.stringify({ [text.repeat(99)]: text.repeat(99) }))).toBe(false);
  }
  expect(isTooDeep(`["\\\\",${nest(maxJsonDepth)}]`)).toBe(true);
});

test('64 KiB of opening brackets are refused at the first ones', () => {
  const body = Buffer.alloc(65_536, '[');
  const startedMs = performance.now();
  for (let i = 0; i < 10_000; i++) nestsTooDeep(body);
  // Parsing them to the end would take seconds.
  expect(performance.now() - startedMs).toBeLessThan(500);
});
