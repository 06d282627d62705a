import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import { zh } from '../../src/dashboard/words/zh.ts';
import { adviceFor } from '../../src/errors.ts';
import { parkedOrigins } from '../../src/parked/parked-item.ts';

type Words = Record<string, string>;
const tables: Record<string, Words> = { en, zh };
const page = fileURLToPath(new URL('../../src/dashboard/', import.meta.url));

test('both languages have the same words, in the same order', () => {
  expect(Object.keys(zh)).toEqual(Object.keys(en));
  expect(Object.keys(en).length).toBeGreaterThan(200);
});

test('a word has the same places to fill in both languages', () => {
  const placesIn = (words: Words, key: string) =>
    [...(words[key] ?? '').matchAll(/\{\w+\}/g)].map(String).sort();
  for (const key of Object.keys(en)) expect(placesIn(zh, key), key).toEqual(placesIn(en, key));
});

test('no word is empty, and Chinese is Chinese but for names', () => {
  for (const words of Object.values(tables)) {
    for (const [key, word] of Object.entries(words)) expect(word.trim(), key).not.toBe('');
  }
  const names = ['shell.otherLanguage', 'shell.who', 'kind.PostgreSQL', 'kind.Redis', 'kind.RabbitMQ'];
  const latin = Object.entries(zh).filter(
    ([, word]) => !/\p{Script=Han}/u.test(word.replace(/\{\w+\}/g, '')),
  );
  expect(latin.map(([key]) => key).sort()).toEqual(names.sort());
});

test('no word is left over that no file of the page says', () => {
  const files = readdirSync(page, { recursive: true, encoding: 'utf8' }).filter(
    (path) => path.endsWith('.ts') && !path.startsWith('words'),
  );
  const text = files.map((path) => readFileSync(page + path, 'utf8')).join('\n');
  // Said by a code of the API or a name: sayCode('state', …), say(`sale.${figure}`).
  const computed = [...text.matchAll(/sayCode\('(\w+)'|say\(`(\w+)\.\$\{/g)].map(
    (match) => match[1] ?? match[2],
  );
  expect(computed).toContain('state');
  const isSaid = (key: string) =>
    text.includes(`'${key}'`) || computed.includes(key.split('.')[0] ?? '') || key.endsWith('.nav');
  expect(Object.keys(en).filter((key) => !isSaid(key))).toEqual([]);
});

test('every origin of a parked item has a name, and every reason that is explained exists', () => {
  for (const origin of parkedOrigins) expect(en).toHaveProperty([`origin.${origin}`]);
  const reasons = Object.keys(en).filter((key) => key.startsWith('reason.'));
  expect(reasons.length).toBeGreaterThan(10);
  for (const key of reasons) expect(adviceFor(key.slice('reason.'.length)), key).not.toBe('');
});
