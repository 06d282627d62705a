import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type SeededBug, seededBugs } from '../seeded-bugs/bugs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The bug that WEIR_SEEDED_BUG names, for runs that must turn red. */
export function currentBug(): SeededBug | undefined {
  const name = process.env.WEIR_SEEDED_BUG;
  if (!name) return undefined;
  const bug = seededBugs.find((candidate) => candidate.name === name);
  if (!bug) throw new Error(`there is no seeded bug ${name}`);
  return bug;
}

/**
 * Inserts the bug into the sources that the test imports. Vite passes them on with or without their types.
 */
export function seedBug(bug: SeededBug | undefined = currentBug()) {
  return {
    name: 'seeded-bug',
    enforce: 'pre' as const,
    transform(code: string, id: string) {
      if (!bug || !id.endsWith(`/src/${bug.file}`)) return null;
      return applyBug(bug, code);
    },
  };
}

/**
 * A built module, below src/ and without its extension; for modules that a test imports in another process.
 */
export function builtModule(path: string): string {
  return join(root, 'dist/modules', `${path}.js`);
}

/** The built program: dist/, or a copy of its modules with the bug inside. */
export function builtProgram(): string {
  const bug = currentBug();
  if (!bug) return join(root, 'dist/main.js');
  const copy = mkdtempSync(join(tmpdir(), 'weir-seeded-'));
  for (const part of ['dist', 'migrations', 'package.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const file = join(copy, 'dist/modules', bug.file.replace(/\.ts$/, '.js'));
  writeFileSync(file, applyBug(bug, readFileSync(file, 'utf8')));
  return join(copy, 'dist/modules/main.js');
}

/** @throws when the text is not found exactly once: without its bug the run would be useless */
export function applyBug({ name, find, replace }: SeededBug, code: string): string {
  const parts = code.split(find);
  if (parts.length !== 2)
    throw new Error(`seeded bug ${name}: found ${parts.length - 1} places instead of one`);
  return parts.join(replace);
}
