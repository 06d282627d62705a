import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
/** Each title with its file: the first string of test and describe, with or without `.each`. */
const findTitles = (kinds: string) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) =>
      [
        ...readFileSync(join(root, file), 'utf8').matchAll(
          new RegExp(`^\\s*(?:${kinds})(?:\\.\\w+)?\\(\\s*'((?:[^'\\\\]|\\\\.)+)'`, 'gm'),
        ),
      ].map(([, title = '']) => `${file}: ${title}`),
    );
const titles = findTitles('test|describe');
const testTitles = findTitles('test');

test('the titles are found', () => {
  expect(titles.length).toBeGreaterThan(1_000);
});

test('no title uses a word that the glossary replaces', () => {
  const old =
    /: .*\b(told|tells?|nobody|whoever|somebody|beside|anew|nought|dear|law|announce[ds]?|gave? back|till|desk)\b/i;
  expect(titles.filter((title) => old.test(title))).toEqual([]);
});

test('no title is longer than 80 characters', () => {
  // The words of a template are checked, not the values of a case.
  const lengthOf = (title: string) => title.replace(/^[^:]+: /, '').length;
  expect(titles.filter((title) => lengthOf(title) > 80)).toEqual([]);
});

test('a title of a test begins with its subject', () => {
  const verbs =
    /: (?:is|are|has|have|was|does|may|can|cannot|must|answers|names|says|shows|finds|refuses|takes|gets|keeps)\b/;
  expect(testTitles.filter((title) => verbs.test(title))).toEqual([]);
});
