import { CliError, exitCodes } from '../exit-codes.ts';

/** The largest count that the API accepts. */
const most = 2_147_483_647;

/** Reads an integer of the command line. @throws CliError */
export function readWhole(name: string, text: string, least: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  if (value >= least && value <= most) return value;
  throw new CliError(exitCodes.usage, `${name} ${text}: expected an integer from ${least} to ${most}`);
}
