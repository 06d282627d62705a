import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { allSettings } from '../../src/config/settings.ts';
import { seededBugs } from '../seeded-bugs/bugs.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const documents = [
  ...readdirSync(root).filter((file) => file.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file.replaceAll('\\', '/')}`),
  'bench/README.md',
];

/** As GitHub makes them of headings. */
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

/** Commands of the shell blocks, continued lines joined. */
function commandsOf(text: string): string[] {
  return [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
    block
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => line !== ''),
  );
}

test.each(documents)('every link in %s leads to a file and a heading that exist', (file) => {
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

  test('the Chinese README has the same sections and the same commands', () => {
    const [english, chinese] = [read('README.md'), read('README.zh-CN.md')];
    const levels = (text: string) => [...withoutCode(text).matchAll(/^(#+) /gm)].map(([, level]) => level);
    expect(levels(chinese)).toEqual(levels(english));
    expect(commandsOf(chinese)).toEqual(commandsOf(english));
  });

  test('every command of weir in the README exists', () => {
    const names = new Set(
      read('docs/cli.md')
        .match(/^## weir .*$/gm)
        ?.map((line) => line.slice('## weir '.length)),
    );
    const used = commandsOf(read('README.md'))
      .map((line) => /^npm start -- ((?:[a-z-]+ ?){1,2})/.exec(line)?.[1]?.trim())
      .filter((name) => name !== undefined && !name.startsWith('-'));
    expect(used.length).toBeGreaterThan(6);
    const isKnown = (name = '') => names.has(name) || names.has(name.split(' ')[0] ?? '');
    expect(used.filter((name) => !isKnown(name))).toEqual([]);
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
  // Names of queues, and what a Kratos file may hold.
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
