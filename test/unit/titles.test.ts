import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findTitleFault, lacksSubject } from '../support/title-rules.ts';

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
      ].map(([, title = '']) => ({ file, title })),
    );
const titles = findTitles('test|describe');
const testTitles = findTitles('test');

test('the titles are found', () => {
  expect(titles.length).toBeGreaterThan(1_000);
});

test('no title is longer than 80 characters or uses a word that the glossary replaces', () => {
  const faults = titles.map(({ file, title }) => ({ file, title, fault: findTitleFault(title) }));
  expect(faults.filter(({ fault }) => fault !== undefined)).toEqual([]);
});

test('a title of a test begins with its subject', () => {
  expect(testTitles.filter(({ title }) => lacksSubject(title))).toEqual([]);
});

test('the rules for titles reject what they name', () => {
  expect(findTitleFault('x'.repeat(81))).toContain('81 characters');
  expect(findTitleFault('an operator is told')).toContain('"told"');
  expect(findTitleFault('a purchase makes one instance')).toBeUndefined();
  expect(['makes one instance', 'a purchase makes one instance'].map(lacksSubject)).toEqual([true, false]);
});
