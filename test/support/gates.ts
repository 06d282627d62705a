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
