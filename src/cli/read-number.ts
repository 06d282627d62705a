import { CliError, exitCodes } from './exit-codes.ts';

/** An integer of a command line, at most ten digits. @throws CliError */
export function readWhole(name: string, text: string, least: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  if (value < least)
    throw new CliError(exitCodes.usage, `${name} ${text}: expected an integer from ${least}`);
  return value;
}
