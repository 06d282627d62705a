import { findNearest } from '../lib/find-nearest.ts';
import { retiredSettings } from './retired.ts';

export interface Mistake {
  key: string;
  value: string;
  expected: string;
}

/** Kratos settings of a file in the seed's shape that Weir does not use. */
const foreignKeys = [
  /^server\.grpc(\.|$)/,
  /^server\.http\.(network|timeout)$/,
  /^data\.database\.driver$/,
  /^data\.redis\.(network|read_?timeout|write_?timeout|dial_?timeout|db)$/i,
];

/** The file as a flat map from key to value; every key must be known. */
export function readEntries(
  document: unknown,
  known: ReadonlySet<string>,
): { entries: Map<string, unknown>; mistakes: Mistake[]; warnings: string[] } {
  const entries = new Map<string, unknown>();
  const mistakes: Mistake[] = [];
  const warnings: string[] = [];
  for (const [key, value] of flatten(document, known)) {
    if (known.has(key)) entries.set(key, value);
    else if (foreignKeys.some((pattern) => pattern.test(key)))
      warnings.push(`${key} is not used by Weir: ignored`);
    // The value may be a secret under a misspelt key.
    else mistakes.push({ key, value: '(not shown)', expected: suggest(key, known) });
  }
  return { entries, mistakes, warnings };
}

function* flatten(value: unknown, known: ReadonlySet<string>, path = ''): Generator<[string, unknown]> {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value) && !known.has(path);
  if (!isGroup) {
    if (path === '' || value !== null || known.has(path)) yield [path || '(the file)', value];
    return;
  }
  for (const [name, inner] of Object.entries(value))
    yield* flatten(inner, known, path ? `${path}.${name}` : name);
}

function suggest(key: string, known: ReadonlySet<string>): string {
  const retired = retiredSettings[key];
  if (retired !== undefined) return retired;
  const nearest = findNearest(key, known);
  return nearest
    ? `a known key; did you mean ${nearest}?`
    : 'a known key (`weir doctor --settings` lists them)';
}
