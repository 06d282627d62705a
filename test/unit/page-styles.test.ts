import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';

const page = fileURLToPath(new URL('../../src/dashboard/', import.meta.url));
const read = (pattern: RegExp) =>
  readdirSync(page, { recursive: true, encoding: 'utf8' })
    .filter((path) => pattern.test(path))
    .map((path) => readFileSync(page + path, 'utf8'))
    .join('\n');

const code = read(/\.(tsx?|html)$/) + readFileSync(`${page}../../scripts/guide.mjs`, 'utf8');
const styles = read(/\.css$/).replaceAll(/\/\*.*?\*\//gs, '');
/** A step of a timeline has the code of the step as its class. */
const steps = Object.keys(en).flatMap((key) =>
  key.startsWith('step.') ? [key.slice(5).toLowerCase().replaceAll('_', '-')] : [],
);
const isWritten = (name: string) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(code);

test('no style is left over for a class or an id that no file of the page has', () => {
  const selectors = [...styles.matchAll(/([^{};]+)\{/g)].map(([, selector]) => selector ?? '');
  const names = new Set(
    selectors.flatMap((each) => [...each.matchAll(/[.#]([a-z][\w-]*)/g)].map(([, name]) => name ?? '')),
  );
  expect(names.size).toBeGreaterThan(60);
  expect([...names].filter((name) => !isWritten(name) && !steps.includes(name))).toEqual([]);
});

test('every custom property of the styles is set, and none is set in vain', () => {
  const all = `${styles}\n${code}`;
  const used = new Set([...all.matchAll(/var\(--([\w-]+)\)/g)].map(([, name]) => name ?? ''));
  // Charts resolve their colours by name, and numbered ones by their number.
  const isComputed = (name: string) => /^color-(\d|bad)$/.test(name);
  const set = new Set([...all.matchAll(/(?:^\s*|')--([\w-]+)(?::|')/gm)].map(([, name]) => name ?? ''));
  expect([...used].filter((name) => !set.has(name))).toEqual([]);
  expect([...set].filter((name) => !used.has(name) && !isComputed(name))).toEqual([]);
});
