import { createInterface } from 'node:readline/promises';
import { isLoopback } from '../../lib/address.ts';
import { CliError, exitCodes } from '../exit-codes.ts';

/**
 * Load on another machine must be confirmed with `--yes`, or by typing its name at a terminal.
 *
 * @param hosts the machines that get load
 * @throws CliError when it is not confirmed
 */
export async function confirmTarget(hosts: readonly string[], isConfirmed: boolean): Promise<void> {
  const foreign = [...new Set(hosts)].filter((host) => !isLoopback(host));
  for (const host of isConfirmed ? [] : foreign) {
    if (!process.stdin.isTTY || !process.stderr.isTTY) {
      throw new CliError(exitCodes.usage, `${host} is not this machine: confirm the load with --yes`);
    }
    const questions = createInterface({ input: process.stdin, output: process.stderr });
    const abort = new AbortController();
    questions.once('close', () => abort.abort());
    const typed = await questions
      .question(`${host} is not this machine. Type its name to put load on it: `, { signal: abort.signal })
      .catch(() => '');
    questions.close();
    if (typed.trim() !== host) throw new CliError(exitCodes.usage, `load on ${host} was not confirmed`);
  }
}
