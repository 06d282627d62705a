import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeAdvice, describeInvariant, describeStatement } from '../../src/api/describe.ts';
import { auditAdvice, invariants, sentences } from '../../src/api/sentences.ts';
import { zhAuditAdvice, zhInvariants, zhSentences } from '../../src/dashboard/words/zh-sentences.ts';
import { sumUp } from '../../src/ops/audit/audit.ts';
import type { AuditFigures } from '../../src/ops/audit/audit-figures.ts';

type Table = Readonly<Record<string, string>>;

/** Where the server declares its statements, always as `code: …; params: …`. */
const declarations = [
  'core/instance/timeline.ts',
  'core/parked/parked-item.ts',
  'ops/audit/audit-finding.ts',
  'ops/live/now.ts',
];

/** Each code that the server can send, with the names of its params. */
function readDeclaredStatements(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of declarations) {
    const text = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
    for (const [, codes = '', params = ''] of text.matchAll(
      /code: ([^;{]+);\s+params: (\{[^}]*\}|[\w<>, ]+)/g,
    )) {
      const names = [...params.matchAll(/(\w+): string/g)].map((match) => match[1] ?? '');
      for (const code of readCodes(codes, text)) found.set(code, names);
    }
  }
  return found;
}

/** `'A' | 'B' | Others`, where the file defines the others. */
function readCodes(union: string, file: string): string[] {
  return union.split('|').flatMap((part) => {
    const name = part.trim();
    if (name.startsWith("'")) return [name.slice(1, -1)];
    const others = new RegExp(`type ${name} =([^;]+);`).exec(file)?.[1] ?? '';
    const codes = [...others.matchAll(/'(\w+)'/g)].map((match) => match[1] ?? '');
    if (codes.length === 0) throw new Error(`cannot read the codes of ${name}`);
    return codes;
  });
}

const placesIn = (text = '') => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort();

test('every code that the server can state has a sentence in both languages', () => {
  const codes = [...readDeclaredStatements().keys()].sort();
  expect(codes.length).toBeGreaterThan(40);
  expect(Object.keys(sentences).sort()).toEqual(codes);
  expect(Object.keys(zhSentences).sort()).toEqual(codes);
});

test('no sentence uses a param that the server does not send', () => {
  const statements = readDeclaredStatements();
  for (const table of [sentences, zhSentences] as Table[]) {
    for (const [code, sentence] of Object.entries(table)) {
      expect(statements.get(code), code).toEqual(expect.arrayContaining(placesIn(sentence)));
    }
  }
  // The stream is the exception's id.
  for (const table of [auditAdvice, zhAuditAdvice] as Table[]) {
    for (const [code, advice] of Object.entries(table)) {
      expect([...(statements.get(code) ?? []), 'stream'], code).toEqual(
        expect.arrayContaining(placesIn(advice)),
      );
    }
  }
});

test('a sentence says the same values in both languages', () => {
  for (const [own, other] of [
    [sentences, zhSentences],
    [auditAdvice, zhAuditAdvice],
    [invariants, zhInvariants],
  ] as [Table, Table][]) {
    expect(Object.keys(other)).toEqual(Object.keys(own));
    for (const [code, text] of Object.entries(own))
      expect(placesIn(other[code]), code).toEqual(placesIn(text));
  }
});

test('every finding of the audit has an advice, and every sum its invariant', async () => {
  const compensations = { RESTOCK: 0, REFUND: 0, NOTHING: 0 };
  const nothing = { instances: [], streams: [], sales: [], units: [], restocked: [], compensations };
  const { sums } = await sumUp({ ...nothing } as unknown as AuditFigures, async () => []);
  expect(Object.keys(invariants)).toEqual(sums.map(({ name }) => name));
  const findings = Object.keys(auditAdvice);
  const all = Object.keys(sentences);
  const first = all.indexOf(findings[0] ?? '');
  expect(all.slice(first, first + findings.length)).toEqual(findings);
});

test('Chinese sentences hold no English but names, commands and codes', () => {
  for (const [code, sentence] of Object.entries(zhSentences)) {
    const text = sentence.replaceAll(/\{\w+\}|Weir|Redis/g, '');
    expect(text, code).not.toMatch(/[A-Za-z]{2}/);
  }
});

test('a sentence is filled with its values, and an unknown code is shown with them', () => {
  const found = { code: 'UNITS_LOST', params: { lost: '2', at: 'noon' } };
  expect(describeStatement(found)).toBe(
    'Redis lost 2 units before noon that it had sold: their buyers have nothing',
  );
  expect(describeStatement(found, zhSentences)).toContain('2 份');
  expect(describeAdvice({ id: 'stream:seckill:7', ...found })).toMatch(
    /weir audit --accept stream:seckill:7$/,
  );
  expect(describeStatement({ code: 'NEWER', params: { a: '1', b: 'two' } })).toBe('NEWER 1 two');
  expect(describeStatement({ code: 'toString', params: {} })).toBe('toString');
  expect(describeAdvice({ id: 'x', code: 'NEWER', params: {} })).toBe('');
  expect(describeInvariant('newer')).toBe('newer');
});

test('a value with braces or dollar signs is shown as it is', () => {
  const error = '{error} $& $1 {name}';
  expect(describeStatement({ code: 'STORE_ERROR', params: { error } })).toBe(error);
});
