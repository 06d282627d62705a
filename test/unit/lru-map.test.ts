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
