export interface Mistake {
  key: string;
  value: string;
  expected: string;
}

/** Kratos settings that a seed-shaped file may carry and that mean nothing here. */
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
      warnings.push(`${key} means nothing to Weir: ignored`);
    // The value may be a secret under a misspelt key.
    else mistakes.push({ key, value: '(not shown)', expected: suggest(key, known) });
  }
  return { entries, mistakes, warnings };
}

/** WEIR_DATA_DATABASE_SOURCE overrides data.database.source. */
export function applyOverrides(
  entries: Map<string, unknown>,
  env: NodeJS.ProcessEnv,
  keys: readonly string[],
): void {
  for (const key of keys) {
    const value = env[toVariable(key)];
    if (value !== undefined) entries.set(key, value);
  }
}

export function toVariable(key: string): string {
  return `WEIR_${key.replaceAll('.', '_').toUpperCase()}`;
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
  const nearest = [...known]
    .map((candidate) => ({ candidate, distance: editDistance(key.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return nearest && nearest.distance <= 3
    ? `a known key; did you mean ${nearest.candidate}?`
    : 'a known key (`weir doctor --settings` lists them)';
}

/** Levenshtein's distance, row by row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substitution));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
