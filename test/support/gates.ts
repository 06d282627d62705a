import type { TestContext } from 'vitest';
import { findFolderOf } from '../../scripts/services/find.mjs';
import { mayMiss } from '../../scripts/services/unpack.mjs';

/** Something that a machine may lack and that no package of npm brings. */
export type Gate = 'browser' | 'promtool' | 'programs' | 'namespaces';

/**
 * For `skipIf`: whether tests must be skipped since their gate is missing. A run with `WEIR_TEST_GATES=required`, as that of `.ci/run`,
 * skips only what `WEIR_TEST_ALLOW_MISSING` names.
 *
 * @param remedy what is missing and how to get it
 * @throws where the run requires the gate
 */
export function skipsWithout(gate: Gate, isPresent: boolean, remedy: string): boolean {
  if (isPresent) return false;
  if (process.env.WEIR_TEST_GATES !== 'required' || mayMiss(gate)) return true;
  throw new Error(`${remedy} (set WEIR_TEST_ALLOW_MISSING=${gate} to skip the tests that need it)`);
}

/** Skips a test whose programs are missing. Call it first: vitest cleans up nothing after a skipped test. */
export function requirePrograms(context: TestContext, ...programs: string[]): void {
  const missing = programs.filter((program) => !findFolderOf([program]));
  const remedy = `not installed here: ${missing.join(', ')}`;
  if (skipsWithout('programs', missing.length === 0, remedy)) context.skip(remedy);
}
