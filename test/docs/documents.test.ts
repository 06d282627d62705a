import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { allSettings } from '../../src/config/settings.ts';
import { seededBugs } from '../seeded-bugs/bugs.ts';
import { readBlocks } from '../support/readme-commands.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const documents = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file.replaceAll('\\', '/')}`),
  'bench/README.md',
  'verify/README.md',
];

/** GitHub's anchors of headings. */
function anchorsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

test.each(documents)('the links of %s resolve', (file) => {
  const links = [...withoutCode(read(file)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  const broken = links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : normalize(join(dirname(file), path));
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(read(target)).includes(anchor);
    });
  expect(broken).toEqual([]);
});

test('no document names a file of src/ that does not exist', () => {
  const current = documents.filter((file) => !/decisions\/|CHANGELOG|ARCHITECTURE/.test(file));
  const missing = current.flatMap((file) =>
    [...read(file).matchAll(/`((?:src|test|scripts|ops)\/[\w./-]+\.\w+)`/g)]
      .map(([, path = '']) => path)
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${file}: ${path}`),
  );
  expect(missing).toEqual([]);
});

test('the map of the architecture names files that exist', () => {
  const paths = [
    ...read('ARCHITECTURE.md').matchAll(/`((?:core|sale|ops|adapters|app|api|cli)\/[\w/-]+\.ts)`/g),
  ];
  expect(paths.length).toBeGreaterThan(20);
  expect(paths.map(([, path]) => path).filter((path) => !existsSync(join(root, 'src', path ?? '')))).toEqual(
    [],
  );
});

describe('the two READMEs', () => {
  test('README.md has at most 130 lines', () => {
    expect(read('README.md').split('\n').length).toBeLessThanOrEqual(130);
  });

  // test/journey/readme.test.ts types the commands of README.md.
  test('the Chinese README has the same sections, commands and outputs', () => {
    const [english, chinese] = [read('README.md'), read('README.zh-CN.md')];
    const levels = (text: string) => [...withoutCode(text).matchAll(/^(#+) /gm)].map(([, level]) => level);
    expect(levels(chinese)).toEqual(levels(english));
    expect(readBlocks(english).length).toBeGreaterThan(6);
    expect(readBlocks(chinese)).toEqual(readBlocks(english));
    const inSentences = (text: string) => withoutCode(text).match(/`npm start [^`]+`/g);
    expect(inSentences(chinese)).toEqual(inSentences(english));
  });
});

test('every promise names its seeded bugs and the tests that they turn red', () => {
  const text = read('docs/promises.md');
  for (const { name, promise, suite } of seededBugs.filter(({ promise }) => /^P\d$/.test(promise))) {
    const section = text.slice(text.indexOf(`## ${promise} `)).split('\n## ')[0];
    expect(section).toContain(`| ${name.replaceAll('-', ' ')} | \`${suite}\` |`);
    expect(existsSync(join(root, suite)), suite).toBe(true);
  }
});

test('no document uses a word that the glossary replaces', () => {
  const current = documents.filter((file) => !/decisions\/|CHANGELOG|glossary/.test(file));
  const old =
    /\b(announce[ds]?|nobody|beside|dear|give[ns]? back|front door|till|outbox frames?|stuck watch|told|tells|whoever|somebody|anew|nought)\b/gi;
  const found = current.flatMap((file) => [...read(file).matchAll(old)].map(([word]) => `${file}: ${word}`));
  expect(found).toEqual([]);
});

test('every setting that a document names exists', () => {
  const groups = new Set(allSettings.map(({ key }) => key.split('.')[0]));
  const keys = new Set(allSettings.map(({ key }) => key));
  const isGroup = (name: string) => [...keys].some((key) => key.startsWith(`${name}.`));
  // Names of queues, and keys that a Kratos file may contain.
  const others = /^resource\.instance\.|^server\.grpc$|^data\.database\.driver$/;
  const current = documents.filter((file) => !/decisions\/|CHANGELOG/.test(file));
  const unknown = current.flatMap((file) =>
    [...read(file).matchAll(/`([a-z]+(?:\.[a-zA-Z]+)+)(?:: [^`]*)?`/g)]
      .map(([, name = '']) => name)
      .filter(
        (name) =>
          groups.has(name.split('.')[0] ?? '') && !keys.has(name) && !isGroup(name) && !others.test(name),
      )
      .map((name) => `${file}: ${name}`),
  );
  expect(unknown).toEqual([]);
});
