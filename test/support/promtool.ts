import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { findPromtool } from '../../scripts/services/promtool.mjs';

export const opsFolder = fileURLToPath(new URL('../../ops/', import.meta.url));

/**
 * What the program says and how it ended. Root on Debian has it, since the run begins by getting it; elsewhere the test is
 * skipped where it is missing.
 */
export async function runPromtool(
  context: TestContext,
  args: readonly string[],
  input = '',
): Promise<{ code: number; said: string }> {
  const program = findPromtool();
  if (!program) return context.skip('promtool is missing: install the package prometheus, or put it on PATH');
  return new Promise((resolve) => {
    const child = execFile(program, args, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, said: `${stdout}${stderr}` }),
    );
    child.stdin?.end(input);
  });
}
