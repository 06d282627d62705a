import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parkedOrigins, parkedReasons } from '../../src/core/parked/parked-item.ts';
import { en } from '../../src/dashboard/words/en.ts';
import { zh } from '../../src/dashboard/words/zh.ts';
import { zhProblems } from '../../src/dashboard/words/zh-problems.ts';
import { adviceForParked } from '../../src/errors.ts';

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
  const names = [
    'by.weir',
    'shell.otherLanguage',
    'shell.who',
    'kind.PostgreSQL',
    'kind.Redis',
    'kind.RabbitMQ',
  ];
  const latin = Object.entries(zh).filter(
    ([, word]) => !/\p{Script=Han}/u.test(word.replace(/\{\w+\}/g, '')),
  );
  expect(latin.map(([key]) => key).sort()).toEqual(names.sort());
});

test('no word is left over that no file of the page says', () => {
  const files = readdirSync(page, { recursive: true, encoding: 'utf8' }).filter(
    (path) => /\.tsx?$/.test(path) && (!path.startsWith('words') || path.endsWith('say-statement.ts')),
  );
  const text = files.map((path) => readFileSync(page + path, 'utf8')).join('\n');
  // Words addressed by a code of the API or a name: sayCode('state', …), say(`sale.${figure}`).
  const computed = [...text.matchAll(/sayCode\('(\w+)'|say\(`(\w+)\.\$\{|words: '(\w+)'/g)].map(
    (match) => match[1] ?? match[2] ?? match[3],
  );
  expect(computed).toContain('state');
  const isSaid = (key: string) => text.includes(`'${key}'`) || computed.includes(key.split('.')[0] ?? '');
  expect(Object.keys(en).filter((key) => !isSaid(key))).toEqual([]);
});

test('every origin of a parked item has a name, and every explained reason exists', () => {
  for (const origin of parkedOrigins) expect(en).toHaveProperty([`origin.${origin}`]);
  const reasons = Object.keys(en).filter((key) => key.startsWith('reason.'));
  expect(reasons).toEqual(expect.arrayContaining(parkedReasons.map((reason) => `reason.${reason}`)));
  for (const key of reasons) expect(adviceForParked(key.slice('reason.'.length)), key).not.toBe('');
});

test('every code of the API says in Chinese what happened and what to do', () => {
  const source = readFileSync(new URL('../../src/errors.ts', import.meta.url), 'utf8');
  const codes = [...source.matchAll(/^ {2}([A-Z][A-Z_]+): \[/gm)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(20);
  expect(Object.keys(zhProblems)).toEqual(codes);
  for (const words of Object.values(zhProblems).flat()) expect(words).toMatch(/\p{Script=Han}/u);
});
