import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../', import.meta.url));
/** Each title with its file: the first string of test and describe, with or without `.each`. */
const titles = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .flatMap((file) =>
    [
      ...readFileSync(join(root, file), 'utf8').matchAll(
        /^\s*(?:test|describe)(?:\.\w+)?\(\s*'((?:[^'\\]|\\.)+)'/gm,
      ),
    ].map(([, title = '']) => `${file}: ${title}`),
  );

test('the titles are found', () => {
  expect(titles.length).toBeGreaterThan(1_000);
});

test('no title uses a word that the glossary replaces', () => {
  const old =
    /: .*\b(told|tells?|nobody|whoever|somebody|beside|anew|nought|dear|law|announce[ds]?|gave? back|till|desk)\b/i;
  expect(titles.filter((title) => old.test(title))).toEqual([]);
});
