import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';
import { findPromtool } from '../../scripts/services/promtool.mjs';
import { skipsWithout } from './gates.ts';

export const opsFolder = fileURLToPath(new URL('../../ops/', import.meta.url));

const missing = 'promtool is missing: install the package prometheus, or put it on PATH';

/**
 * The output and the exit code of the program. On Debian a run as root fetches it first; elsewhere the test
 * is skipped when it is missing.
 */
export async function runPromtool(
  context: TestContext,
  args: readonly string[],
  input = '',
): Promise<{ code: number; said: string }> {
  const program = findPromtool();
  skipsWithout('promtool', program !== undefined, missing);
  if (!program) return context.skip(missing);
  return new Promise((resolve) => {
    const child = execFile(program, args, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, said: `${stdout}${stderr}` }),
    );
    child.stdin?.end(input);
  });
}
