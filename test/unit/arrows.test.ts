import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  isPackage,
  readImports,
  readSourceFiles,
  resolveImport,
  roomOf,
  type SourceFile,
} from './source-files.ts';

const files = readSourceFiles();
const paths = new Set(files.map(({ path }) => path));

const adapters = ['postgres', 'redis', 'rabbitmq', 'embedded', 'http'];

/**
 * The rooms from the lowest to the highest, each with the lower ones that it may import. `config`: types
 * only.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  'errors.ts': [],
  config: ['lib', 'errors.ts'],
  core: ['lib', 'errors.ts'],
  sale: ['core', 'lib', 'errors.ts'],
  ops: ['core', 'sale', 'config', 'lib', 'errors.ts'],
  api: [],
  adapters: ['api', 'core', 'sale', 'ops', 'config', 'lib', 'errors.ts'],
  app: ['adapters', 'api', 'core', 'sale', 'ops', 'config', 'lib', 'errors.ts'],
  cli: ['app', 'adapters', 'api', 'core', 'ops', 'config', 'lib', 'errors.ts'],
  dashboard: ['api', 'lib'],
  'main.ts': ['cli', 'lib'],
};

/** Each import out of these rooms whose target `isBreach`, as `file → target`. */
function findBreaches(
  rooms: readonly string[],
  isBreach: (target: string, file: SourceFile) => boolean,
  among = files,
): string[] {
  return among
    .filter(({ path }) => rooms.includes(roomOf(path)))
    .flatMap((file) =>
      file.imports
        .map(({ from }) => resolveImport(file.path, from))
        .filter((target) => isBreach(target, file))
        .map((target) => `${file.path} → ${target}`),
    );
}

const isIn = (rooms: readonly string[], target: string) =>
  !isPackage(target) && !target.startsWith('node:') && rooms.includes(roomOf(target));

describe('six rules say who imports whom', () => {
  test.each(Object.keys(mayImport))('1, 2, 6: %s imports its own room and those below it', (room) => {
    const allowed = [room, ...(mayImport[room] ?? [])];
    const isForeign = (target: string) =>
      !isPackage(target) && !target.startsWith('node:') && !allowed.includes(roomOf(target));
    expect(findBreaches([room], isForeign)).toEqual([]);
  });

  test('every room stands in the table', () => {
    expect([...new Set(files.map(({ path }) => roomOf(path)))].sort()).toEqual(Object.keys(mayImport).sort());
  });

  test.each(['lib', 'core', 'sale'])('1: %s imports no package', (room) => {
    expect(findBreaches([room], isPackage)).toEqual([]);
  });

  test.each(['core', 'sale'])('1: what %s imports reaches no package either', (room) => {
    for (const { path } of files.filter((file) => roomOf(file.path) === room)) {
      const reached = reachFrom(path);
      expect(
        [...reached.keys()].filter(isPackage).map((target) => reached.get(target)),
        path,
      ).toEqual([]);
    }
  });

  test.each(adapters)('3: the adapter %s imports no other adapter', (adapter) => {
    const others = adapters.filter((other) => other !== adapter).map((other) => `adapters/${other}/`);
    const isOther = (target: string) => others.some((other) => target.startsWith(other));
    const own = files.filter(({ path }) => path.startsWith(`adapters/${adapter}/`));
    expect(own.length).toBeGreaterThan(3);
    expect(findBreaches(['adapters'], isOther, own)).toEqual([]);
  });

  test('4: what the command line asks a running Weir and prints knows the API alone', () => {
    const outward = files.filter(({ path }) => /^cli\/(client|output)\//.test(path));
    expect(outward.length).toBeGreaterThan(10);
    expect(
      findBreaches(['cli'], (target) => isIn(['app', 'adapters', 'core', 'sale', 'ops'], target), outward),
    ).toEqual([]);
  });

  test('5: the types of the configuration are known below app/, its values are not', () => {
    const values = files
      .filter(({ path }) => ['ops', 'api', 'adapters'].includes(roomOf(path)))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ from, typeOnly }) => !typeOnly && isIn(['config'], resolveImport(path, from)))
          .map(({ from }) => `${path} → ${from}`),
      );
    expect(values).toEqual([]);
  });

  test('a client library has one room', () => {
    const rooms: Record<string, string> = {
      pg: 'adapters/postgres/',
      ioredis: 'adapters/redis/',
      amqplib: 'adapters/rabbitmq/',
      '@electric-sql/pglite': 'adapters/embedded/',
      'fs-native-extensions': 'adapters/embedded/',
      fastify: 'adapters/http/',
      commander: 'cli/',
      pino: 'ops/telemetry/',
      'prom-client': 'ops/telemetry/',
      '@opentelemetry/api': 'ops/telemetry/tracing/',
    };
    for (const [client, room] of Object.entries(rooms)) {
      const found = files.filter(({ imports }) => imports.some(({ from }) => from === client));
      const strangers = found.filter(({ path }) => !path.startsWith(room) && !path.startsWith('app/'));
      expect(found.length, client).toBeGreaterThan(0);
      expect(
        strangers.map(({ path }) => path),
        client,
      ).toEqual([]);
    }
  });
});

test('the page imports nothing that a browser cannot run, and nothing imports the page', () => {
  const shared = ['lib/show-control-characters.ts'];
  const packages = ['preact', 'preact/hooks', '@preact/signals', 'uplot'];
  // Only types of api/, which do not exist at run time, and the sentences.
  const sentences = ['api/describe.ts', 'api/sentences.ts'];
  const isForeign = (target: string) =>
    !['dashboard', 'api'].includes(roomOf(target)) && ![...shared, ...packages].includes(target);
  expect(findBreaches(['dashboard'], isForeign)).toEqual([]);
  const values = files
    .filter(({ path }) => roomOf(path) === 'dashboard')
    .flatMap(({ path, imports }) =>
      imports
        .map(({ from, typeOnly }) => ({ typeOnly, target: resolveImport(path, from) }))
        .filter(({ typeOnly, target }) => !typeOnly && isIn(['api'], target) && !sentences.includes(target))
        .map(() => path),
    );
  expect(values).toEqual([]);
  expect(files.filter(({ path }) => shared.includes(path)).flatMap(({ imports }) => imports)).toEqual([]);
  expect(
    findBreaches(
      ['api'],
      isPackage,
      files.filter(({ path }) => sentences.includes(path)),
    ),
  ).toEqual([]);
  const others = [...new Set(files.map(({ path }) => roomOf(path)))].filter((room) => room !== 'dashboard');
  expect(findBreaches(others, (target) => isIn(['dashboard'], target))).toEqual([]);
  expect(files.filter(({ path }) => roomOf(path) === 'dashboard').length).toBeGreaterThan(30);
});

test('only main.ts imports the command line, and nothing imports main.ts', () => {
  const rooms = [...new Set(files.map(({ path }) => roomOf(path)))];
  const outside = rooms.filter((room) => room !== 'cli' && room !== 'main.ts');
  expect(findBreaches(outside, (target) => isIn(['cli'], target))).toEqual([]);
  expect(findBreaches(rooms, (target) => target === 'main.ts')).toEqual([]);
});

test('no file imports itself by way of others', () => {
  expect(findCycles(files)).toEqual([]);
});

test('every relative import names a file that exists', () => {
  const isMissing = (target: string) => /\.tsx?$/.test(target) && !paths.has(target);
  expect(findBreaches([...new Set(files.map(({ path }) => roomOf(path)))], isMissing)).toEqual([]);
});

describe('files are short and named for what they do', () => {
  test('no file is longer than 300 lines', () => {
    const lengths = files.map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }));
    expect(lengths.filter(({ lines }) => lines > 300)).toEqual([]);
  });

  test('half of the files have 100 lines at most', () => {
    const lengths = files.map(({ text }) => text.trimEnd().split('\n').length).sort((a, b) => a - b);
    expect(lengths[lengths.length >> 1]).toBeLessThanOrEqual(100);
  });

  test('no file, folder or export is named util, helper, common, manager or service', () => {
    const empty = /(^|[-_.])(utils?|helpers?|commons?|managers?|processors?|services?)([-_.]|$)/i;
    const named =
      /^export (?:default )?(?:abstract )?(?:async )?(?:class|function|const|interface|type) (\w+)/gm;
    const names = files.flatMap(({ path, text }) => [
      ...path.split('/').map((name) => ({ path, name })),
      ...[...text.matchAll(named)].map(([, name = '']) => ({ path, name: toKebab(name) })),
    ]);
    expect(names.length).toBeGreaterThan(100);
    expect(names.filter(({ name }) => empty.test(name))).toEqual([]);
    expect(empty.test('string-utils.ts') && empty.test(toKebab('OrderService'))).toBe(true);
    expect(empty.test('commonly.ts')).toBe(false);
  });

  test('no file gathers the exports of others', () => {
    expect(files.filter(({ path }) => /^index\./.test(basename(path))).map(({ path }) => path)).toEqual([]);
    const barrel = /^export \* from|^export \{[^}]*\} from/m;
    expect(files.filter(({ text }) => barrel.test(text)).map(({ path }) => path)).toEqual([]);
  });
});

describe('these tests can fail', () => {
  test('imports are found however they are written', () => {
    const text = [
      "import a from 'a';",
      "import { b, type B } from 'b';",
      "import type { C } from 'c';",
      'import {\n  type D,\n  type E,\n} from "d";',
      "import 'e';",
      "export { f } from 'f';",
      "const g = await import('g');",
      "import * as h from 'h';",
      "// import no from 'no';",
      " * import no from 'no';",
    ].join('\n');
    const found = readImports(text).sort((x, y) => (x.from < y.from ? -1 : 1));
    expect(found.map(({ from, typeOnly }) => `${from}${typeOnly ? ' (types)' : ''}`)).toEqual([
      'a',
      'b',
      'c (types)',
      'd (types)',
      'e',
      'f',
      'g',
      'h',
    ]);
  });

  test('the sources were read', () => {
    expect(files.length).toBeGreaterThan(60);
    expect(files.find(({ path }) => path === 'app/components.ts')?.imports.length).toBeGreaterThan(20);
  });

  test('a breach is seen', () => {
    const breach = fakeFile(
      'core/x.ts',
      "import pg from 'pg';\nimport { y } from '../adapters/postgres/y.ts';",
    );
    expect(findBreaches(['core'], isPackage, [breach])).toEqual(['core/x.ts → pg']);
    expect(findBreaches(['core'], (target) => isIn(['adapters'], target), [breach])).toEqual([
      'core/x.ts → adapters/postgres/y.ts',
    ]);
  });

  test('a cycle is seen, unless it is of types', () => {
    const a = fakeFile('lib/a.ts', "import { b } from './b.ts';");
    const b = fakeFile('lib/b.ts', "import { c } from '../c.ts';");
    expect(findCycles([a, b, fakeFile('c.ts', "import { a } from './lib/a.ts';")])).toEqual([
      'lib/a.ts → lib/b.ts → c.ts → lib/a.ts',
    ]);
    expect(findCycles([a, b, fakeFile('c.ts', "import type { A } from './lib/a.ts';")])).toEqual([]);
  });
});

function fakeFile(path: string, text: string): SourceFile {
  return { path, text, imports: readImports(text) };
}

/** Every file and package that is loaded with this file, each with the chain of imports. */
function reachFrom(start: string): Map<string, string> {
  const ways = new Map([[start, start]]);
  for (const [path, way] of ways) {
    const file = files.find((candidate) => candidate.path === path);
    for (const { from, typeOnly } of file?.imports ?? []) {
      const target = resolveImport(path, from);
      if (!typeOnly && !ways.has(target)) ways.set(target, `${way} → ${target}`);
    }
  }
  return ways;
}

/** Each cycle once, from its entry; imports of types load nothing. */
function findCycles(among: readonly SourceFile[]): string[] {
  const byPath = new Map(among.map((file) => [file.path, file]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: string[]) => {
    if (way.includes(path)) {
      cycles.push([...way.slice(way.indexOf(path)), path].join(' → '));
      return;
    }
    if (done.has(path)) return;
    const loaded = byPath.get(path)?.imports.filter(({ typeOnly }) => !typeOnly) ?? [];
    for (const { from } of loaded) visit(resolveImport(path, from), [...way, path]);
    done.add(path);
  };
  for (const { path } of among) visit(path, []);
  return cycles;
}

/** `OrderService` → `order-service`. */
function toKebab(name: string): string {
  return name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase();
}
