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

const business = [
  'instance',
  'triggers',
  'outbox',
  'orders',
  'results',
  'sale',
  'audit',
  'parked',
  'backlog',
  'resource',
  'watch',
  'access',
];
const technologies = ['postgres', 'redis', 'rabbitmq', 'embedded'];
const edges = ['http', 'cli', 'dashboard'];

/** Each arrow out of these rooms whose target `isBreach`, as `file → target`. */
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
  !isPackage(target) && rooms.includes(roomOf(target));

describe('the business imports no technology', () => {
  test.each([...business, 'lib'])('%s/ imports no package', (room) => {
    expect(findBreaches([room], isPackage)).toEqual([]);
  });

  test.each(business)('%s/ imports no store and no edge', (room) => {
    expect(findBreaches([room], (target) => isIn([...technologies, ...edges], target))).toEqual([]);
  });

  test('and reaches none by way of others', () => {
    for (const file of files.filter(({ path }) => business.includes(roomOf(path)))) {
      const reached = reachFrom(file.path);
      expect(
        [...reached.keys()].filter(isPackage).map((target) => reached.get(target)),
        file.path,
      ).toEqual([]);
    }
  });
});

describe('two technologies never import each other', () => {
  test.each(technologies)('%s/ imports no other store and no edge', (room) => {
    const others = technologies.filter((other) => other !== room);
    expect(findBreaches([room], (target) => isIn([...others, ...edges], target))).toEqual([]);
  });

  test('http/ imports no store', () => {
    expect(findBreaches(['http'], (target) => isIn(technologies, target))).toEqual([]);
  });

  test.each(['tracing', 'metrics', 'telemetry'])(
    '%s/ imports no store, and nothing of http/ or cli/',
    (room) => {
      const reached = files
        .filter(({ path }) => roomOf(path) === room)
        .flatMap(({ path }) => [...reachFrom(path).keys()]);
      expect(reached.length).toBeGreaterThan(3);
      expect(reached.filter((target) => isIn([...technologies, ...edges], target))).toEqual([]);
    },
  );

  test('a client library has one room', () => {
    const rooms: Record<string, string[]> = {
      pg: ['postgres'],
      ioredis: ['redis', 'stores.ts'],
      amqplib: ['rabbitmq', 'queues.ts'],
      '@electric-sql/pglite': ['embedded'],
      'fs-native-extensions': ['embedded'],
      fastify: ['http', 'app.ts'],
      commander: ['cli'],
      '@opentelemetry/api': ['tracing'],
    };
    for (const [client, allowed] of Object.entries(rooms)) {
      const found = files.filter(({ imports }) => imports.some(({ from }) => from === client));
      const strangers = found.filter(({ path }) => !allowed.includes(roomOf(path)));
      expect(found.length, client).toBeGreaterThan(0);
      expect(
        strangers.map(({ path }) => path),
        client,
      ).toEqual([]);
    }
  });
});

test('lib/ knows nothing of instances: it imports lib/ alone', () => {
  expect(findBreaches(['lib'], (target) => !target.startsWith('node:') && roomOf(target) !== 'lib')).toEqual(
    [],
  );
});

test('dashboard/ imports nothing that a browser cannot run, and nothing imports it', () => {
  const shared = ['lib/show-control-characters.ts'];
  const isForeign = (target: string) => roomOf(target) !== 'dashboard' && !shared.includes(target);
  expect(findBreaches(['dashboard'], isForeign)).toEqual([]);
  expect(files.filter(({ path }) => shared.includes(path)).flatMap(({ imports }) => imports)).toEqual([]);
  const others = [...new Set(files.map(({ path }) => roomOf(path)))].filter((room) => room !== 'dashboard');
  expect(findBreaches(others, (target) => isIn(['dashboard'], target))).toEqual([]);
  expect(files.filter(({ path }) => roomOf(path) === 'dashboard').length).toBeGreaterThan(30);
});

test('nobody but the command line imports cli/, and nobody at all main.ts', () => {
  const rooms = [...new Set(files.map(({ path }) => roomOf(path)))];
  const outside = rooms.filter((room) => room !== 'cli' && room !== 'main.ts');
  expect(findBreaches(outside, (target) => isIn(['cli'], target))).toEqual([]);
  expect(findBreaches(rooms, (target) => target === 'main.ts')).toEqual([]);
});

test('no file imports itself by way of others', () => {
  expect(findCycles(files)).toEqual([]);
});

test('every relative import names a file that exists', () => {
  const isMissing = (target: string) => target.endsWith('.ts') && !paths.has(target);
  expect(findBreaches([...new Set(files.map(({ path }) => roomOf(path)))], isMissing)).toEqual([]);
});

describe('files are short and named for what they do', () => {
  const written = files.filter(({ path }) => !path.endsWith('_pb.ts'));

  test('no file is longer than 300 lines', () => {
    const lengths = written.map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }));
    expect(lengths.filter(({ lines }) => lines > 300)).toEqual([]);
  });

  test('half of the files have 100 lines at most', () => {
    const lengths = written.map(({ text }) => text.trimEnd().split('\n').length).sort((a, b) => a - b);
    expect(lengths[lengths.length >> 1]).toBeLessThanOrEqual(100);
  });

  test('no file, folder or export is a util, helper, common thing, manager, processor or service', () => {
    const empty = /(^|[-_.])(utils?|helpers?|commons?|managers?|processors?|services?)([-_.]|$)/i;
    const named =
      /^export (?:default )?(?:abstract )?(?:async )?(?:class|function|const|interface|type) (\w+)/gm;
    const names = written.flatMap(({ path, text }) => [
      ...path.split('/').map((name) => ({ path, name })),
      ...[...text.matchAll(named)].map(([, name = '']) => ({ path, name: toKebab(name) })),
    ]);
    expect(names.length).toBeGreaterThan(100);
    expect(names.filter(({ name }) => empty.test(name))).toEqual([]);
    expect(empty.test('string-utils.ts') && empty.test(toKebab('OrderService'))).toBe(true);
    expect(empty.test('commonly.ts')).toBe(false);
  });

  test('no file gathers the exports of others', () => {
    expect(written.filter(({ path }) => /^index\./.test(basename(path))).map(({ path }) => path)).toEqual([]);
    const barrel = /^export \* from|^export \{[^}]*\} from/m;
    expect(written.filter(({ text }) => barrel.test(text)).map(({ path }) => path)).toEqual([]);
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
    expect(files.find(({ path }) => path === 'core.ts')?.imports.length).toBeGreaterThan(20);
    for (const room of [...business, 'cleaning', 'lib', 'http', 'cli', ...technologies]) {
      expect(
        files.some(({ path }) => roomOf(path) === room),
        room,
      ).toBe(true);
    }
  });

  test('a breach is seen', () => {
    const breach = fakeFile('instance/x.ts', "import pg from 'pg';\nimport { y } from '../postgres/y.ts';");
    expect(findBreaches(['instance'], isPackage, [breach])).toEqual(['instance/x.ts → pg']);
    expect(findBreaches(['instance'], (target) => isIn(technologies, target), [breach])).toEqual([
      'instance/x.ts → postgres/y.ts',
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

/** Every file and package that is loaded with this file, each with the way there. */
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

/** Each cycle once, from where it was entered; imports of types load nothing. */
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
