import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LruMap } from '../../src/lib/lru-map.ts';

test('a full map forgets the entry that was used least recently', () => {
  const evicted: string[] = [];
  const map = new LruMap<bigint, string>(3, (value) => evicted.push(value));
  for (const [key, value] of [
    [1n, 'a'],
    [2n, 'b'],
    [3n, 'c'],
  ] as const)
    map.set(key, value);
  map.get(1n);
  map.set(4n, 'd');
  expect(evicted).toEqual(['b']);
  expect([1n, 2n, 3n, 4n].map((key) => map.get(key))).toEqual(['a', undefined, 'c', 'd']);
});

test('a value that is set again replaces the earlier one and evicts nothing', () => {
  const map = new LruMap<bigint, string>(2, (value) => expect.fail(`${value} was evicted`));
  map.set(1n, 'a');
  map.set(2n, 'b');
  map.set(1n, 'c');
  expect([map.get(2n), map.get(1n), map.get(1n)]).toEqual(['b', 'c', 'c']);
});

test('a deleted entry is gone, also when it was the latest one, and is not evicted', () => {
  const map = new LruMap<bigint, string>(2, (value) => expect.fail(`${value} was evicted`));
  map.set(1n, 'a');
  expect([map.delete(1n), map.delete(1n)]).toEqual([true, false]);
  expect([map.get(1n), map.has(1n)]).toEqual([undefined, false]);
});

test('asking whether an entry exists does not count as a use', () => {
  const evicted: string[] = [];
  const map = new LruMap<bigint, string>(2, (value) => evicted.push(value));
  map.set(1n, 'a');
  map.set(2n, 'b');
  expect(map.has(1n)).toBe(true);
  map.set(3n, 'c');
  expect(evicted).toEqual(['a']);
});

test('whatever is set, read and deleted, the map holds the entries that were used last', () => {
  const step = fc.record({ what: fc.constantFrom('set', 'get', 'delete'), key: fc.nat(12) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), fc.integer({ min: 1, max: 6 }), (steps, maxSize) => {
      const map = new LruMap<number, number>(maxSize);
      let model: number[] = [];
      for (const { what, key } of steps) {
        const isKept = model.includes(key);
        if (what === 'get') expect(map.get(key)).toBe(isKept ? key : undefined);
        if (what === 'delete') expect(map.delete(key)).toBe(isKept);
        if (what === 'set') map.set(key, key);
        if (what === 'set' || isKept) model = model.filter((other) => other !== key);
        if (what === 'set' || (what === 'get' && isKept)) model = [...model, key].slice(-maxSize);
        expect(Array.from({ length: 13 }, (_, other) => other).filter((other) => map.has(other))).toEqual(
          [...model].sort((a, b) => a - b),
        );
      }
    }),
  );
});
