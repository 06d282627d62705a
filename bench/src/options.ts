import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { benchFolder } from './folders.ts';

/** What `npm run bench` measures by default, in this order. */
export const tableParts = [
  'limits',
  'alternatives',
  'callback',
  'admission',
  'lifecycle',
  'cost',
  'growth',
  'vacuum',
  'backlog',
  'embedded',
  'latency',
] as const;
/** Measured only when named. */
export const furtherParts = ['audit', 'views', 'observability', 'cluster'] as const;
export const partNames = [...tableParts, ...furtherParts] as const;
export type PartName = (typeof partNames)[number];

export interface Options {
  readonly only: readonly PartName[];
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly count: number;
  readonly seconds: number;
  /** Rows that exist before, ascending, without 0. */
  readonly growthRows: readonly number[];
  readonly heldSeconds: number;
  readonly backlogCount: number;
  readonly embeddedCount: number;
  readonly auditRows: number;
  readonly viewRows: number;
  readonly ownServers: boolean;
  readonly jsonFile: string;
}

export interface DocsOrder {
  readonly docsFrom: string;
}

/** Every mistake in the options at once; the message is ready to print. */
export class OptionMistakes extends Error {
  override readonly name = 'OptionMistakes';
  constructor(mistakes: readonly string[]) {
    super(`${mistakes.join('\n')}\nSee: npm run bench -- --help`);
  }
}

/** `'help'` when help is requested. Throws OptionMistakes. */
export function parseOptions(args: readonly string[], now: Date): Options | DocsOrder | 'help' {
  const values = readArgs(args);
  if (values.help) return 'help';
  const stamp = now.toISOString().replaceAll(/[:.]/g, '-');
  const jsonFile = resolve(values.json ?? `${benchFolder}/results/${stamp}.json`);
  if (values.docs) {
    if (values.json === undefined) throw new OptionMistakes(['--docs needs --json FILE to write from.']);
    return { docsFrom: jsonFile };
  }

  const isQuick = values.quick === true;
  const mistakes: string[] = [];
  const number = (name: keyof typeof values, quick: number, usual: number, least: number, most: number) =>
    parseNumber(`--${name}`, values[name], isQuick ? quick : usual, least, most, mistakes);
  const rows = number('rows', 20_000, 10_000_000, 10_000, 50_000_000);
  const options: Options = {
    only: parseOnly(values.only, mistakes),
    isQuick,
    rounds: number('rounds', 1, 5, 1, 50),
    count: number('count', 4_000, 100_000, 1000, 2_000_000),
    seconds: number('seconds', 1, 5, 1, 60),
    growthRows: isQuick ? [rows] : [Math.round(rows / 10), rows],
    heldSeconds: number('held', 4, 600, 2, 7200),
    backlogCount: number('backlog', 20_000, 1_000_000, 10_000, 5_000_000),
    embeddedCount: isQuick ? 3_000 : 50_000,
    auditRows: rows,
    viewRows: number('view-rows', 20_000, 1_000_000, 10_000, 20_000_000),
    ownServers: values['own-servers'] === true,
    jsonFile,
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
        rounds: { type: 'string' },
        count: { type: 'string' },
        seconds: { type: 'string' },
        rows: { type: 'string' },
        held: { type: 'string' },
        backlog: { type: 'string' },
        'view-rows': { type: 'string' },
        json: { type: 'string' },
        docs: { type: 'boolean' },
        quick: { type: 'boolean' },
        'own-servers': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new OptionMistakes([error instanceof Error ? error.message : String(error)]);
  }
}

function parseOnly(text: string | undefined, mistakes: string[]): readonly PartName[] {
  if (text === undefined) return tableParts;
  const wanted = text.split(',').map((name) => name.trim());
  const unknown = wanted.filter((name) => !partNames.some((known) => known === name));
  if (unknown.length > 0) {
    mistakes.push(
      `--only: unknown ${unknown.map((name) => `"${name}"`).join(', ')}; known: ${partNames.join(', ')}.`,
    );
  }
  return partNames.filter((known) => wanted.includes(known));
}

function parseNumber(
  option: string,
  text: string | boolean | undefined,
  fallback: number,
  least: number,
  most: number,
  mistakes: string[],
): number {
  if (typeof text !== 'string') return fallback;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  mistakes.push(`${option} must be a whole number from ${least} to ${most}, not "${text}".`);
  return fallback;
}
