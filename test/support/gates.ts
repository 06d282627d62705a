import type { TestContext } from 'vitest';
import { findFolderOf } from '../../scripts/services/find.mjs';
import { mayMiss } from '../../scripts/services/unpack.mjs';

/** A program that a machine may lack and that no npm package provides. */
export type Gate = 'browser' | 'promtool' | 'programs' | 'namespaces';

/**
 * For `skipIf`: whether tests must be skipped because their gate is missing. A run with
 * `WEIR_TEST_GATES=required`, such as that of `.ci/run`, skips only what `WEIR_TEST_ALLOW_MISSING` names.
 *
 * @param remedy what is missing and how to get it
 * @throws when the run requires the gate
 */
export function skipsWithout(gate: Gate, isPresent: boolean, remedy: string): boolean {
  if (isPresent) return false;
  if (process.env.WEIR_TEST_GATES !== 'required' || mayMiss(gate)) return true;
  throw new Error(`${remedy} (set WEIR_TEST_ALLOW_MISSING=${gate} to skip the tests that need it)`);
}

/** Skips a test whose programs are missing. Call it first: vitest does not clean up after a skipped test. */
export function requirePrograms(context: TestContext, ...programs: string[]): void {
  const missing = programs.filter((program) => !findFolderOf([program]));
  const remedy = `not installed here: ${missing.join(', ')}`;
  if (skipsWithout('programs', missing.length === 0, remedy)) context.skip(remedy);
}
