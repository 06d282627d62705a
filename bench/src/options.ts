import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { benchFolder } from './folders.ts';

export const measureNames = [
  'broker',
  'seed',
  'weir',
  'lifecycle',
  'callback',
  'backlog',
  'embedded',
  'audit',
  'views',
  'door',
  'observability',
] as const;
export type MeasureName = (typeof measureNames)[number];

export interface Options {
  readonly only: readonly MeasureName[];
  readonly count: number;
  readonly backlogCount: number;
  readonly embeddedCount: number;
  readonly auditRows: number;
  readonly viewRows: number;
  readonly seconds: number;
  readonly jsonFile: string;
}

/** Every mistake in the options at once; the message is ready to print. */
export class OptionMistakes extends Error {
  override readonly name = 'OptionMistakes';
  constructor(mistakes: readonly string[]) {
    super(`${mistakes.join('\n')}\nSee: npm run bench -- --help`);
  }
}

/** `'help'` when help is asked for. Throws OptionMistakes. */
export function parseOptions(args: readonly string[], now: Date): Options | 'help' {
  const values = readArgs(args);
  if (values.help) return 'help';

  const quick = values.quick === true;
  const mistakes: string[] = [];
  const options: Options = {
    only: parseOnly(values.only, mistakes),
    count: parseNumber('--count', values.count, quick ? 20_000 : 200_000, 1000, 2_000_000, mistakes),
    backlogCount: parseNumber(
      '--backlog',
      values.backlog,
      quick ? 100_000 : 1_000_000,
      10_000,
      5_000_000,
      mistakes,
    ),
    embeddedCount: quick ? 10_000 : 50_000,
    auditRows: parseNumber('--rows', values.rows, quick ? 200_000 : 10_000_000, 10_000, 50_000_000, mistakes),
    viewRows: parseNumber(
      '--view-rows',
      values['view-rows'],
      quick ? 200_000 : 1_000_000,
      10_000,
      20_000_000,
      mistakes,
    ),
    seconds: parseNumber('--seconds', values.seconds, quick ? 3 : 8, 1, 60, mistakes),
    jsonFile: resolve(
      values.json ?? `${benchFolder}/results/${now.toISOString().replaceAll(/[:.]/g, '-')}.json`,
    ),
  };
  if (mistakes.length > 0) throw new OptionMistakes(mistakes);
  return options;
}

export function readHelp(): string {
  return readFileSync(`${benchFolder}/HELP.txt`, 'utf8');
}

function readArgs(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        count: { type: 'string' },
        backlog: { type: 'string' },
        rows: { type: 'string' },
        'view-rows': { type: 'string' },
        seconds: { type: 'string' },
        json: { type: 'string' },
        quick: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new OptionMistakes([error instanceof Error ? error.message : String(error)]);
  }
}

function parseOnly(text: string | undefined, mistakes: string[]): readonly MeasureName[] {
  if (text === undefined) return measureNames;
  const wanted = text.split(',').map((name) => name.trim());
  const unknown = wanted.filter((name) => !measureNames.some((known) => known === name));
  if (unknown.length > 0) {
    mistakes.push(
      `--only: ${unknown.map((name) => `"${name}"`).join(', ')} is none of ${measureNames.join(', ')}.`,
    );
  }
  return measureNames.filter((known) => wanted.includes(known));
}

function parseNumber(
  option: string,
  text: string | undefined,
  fallback: number,
  least: number,
  most: number,
  mistakes: string[],
): number {
  if (text === undefined) return fallback;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  mistakes.push(`${option}: "${text}" is not a whole number from ${least} to ${most}.`);
  return fallback;
}
