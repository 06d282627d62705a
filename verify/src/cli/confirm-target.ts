import { createInterface } from 'node:readline/promises';
import { CannotRun, type Target } from '../options.ts';
import { hostsOf, isLoopback } from '../stores/addresses.ts';

/** Hosts of the installation beyond this machine, each once. */
export function foreignHosts({ urls, postgres, redis, rabbitmq }: Target): string[] {
  const addresses = [...urls, postgres, redis, rabbitmq].filter((address) => address !== undefined);
  return [...new Set(addresses.flatMap(hostsOf))].filter((host) => !isLoopback(host));
}

/**
 * Purchases are real, so another machine must be meant: `--yes`, or its name typed at a terminal, as for `weir load`.
 *
 * @throws CannotRun when it is not confirmed
 */
export async function confirmTarget(target: Target, isConfirmed: boolean): Promise<void> {
  for (const host of isConfirmed ? [] : foreignHosts(target)) {
    if (!process.stdin.isTTY || !process.stderr.isTTY) {
      throw new CannotRun(`${host} is not this machine: confirm with --yes that it is no production`);
    }
    const questions = createInterface({ input: process.stdin, output: process.stderr });
    const typed = await questions.question(
      `${host} is not this machine. If it is no production, type its name to buy from it: `,
    );
    questions.close();
    if (typed.trim() !== host) throw new CannotRun(`${host} was not confirmed`);
  }
}
