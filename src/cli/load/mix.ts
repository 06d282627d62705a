import { CliError, exitCodes } from '../exit-codes.ts';

const operations = ['buy', 'stream', 'order', 'instance'] as const;
export type Operation = (typeof operations)[number];
export type Mix = ReadonlyMap<Operation, number>;

const heaviest = 1_000;

/** `buy=8,order=1` or, with equal weights, `buy,order`. @throws CliError */
export function readMix(text: string): Mix {
  const mix = new Map<Operation, number>();
  for (const part of text.split(',')) {
    const [, name = '', weight = '1'] = /^([a-z]+)(?:=(\d{1,4}))?$/.exec(part.trim().toLowerCase()) ?? [];
    const operation = operations.find((each) => each === name);
    const isWeight = Number(weight) >= 1 && Number(weight) <= heaviest;
    if (!operation || !isWeight || mix.has(operation)) {
      const rule = `expected each of ${operations.join(', ')} at most once, with a weight from 1 to ${heaviest}`;
      throw new CliError(exitCodes.usage, `--mix ${text}: ${rule}, such as buy=8,order=1`);
    }
    mix.set(operation, Number(weight));
  }
  return mix;
}

/**
 * Weighted and evenly interleaved: at each turn every operation gains its weight, and the one with the
 * highest credit is taken and pays the sum.
 */
export function takeTurns(mix: Mix): () => Operation {
  const turns = [...mix].map(([operation, weight]) => ({ operation, weight, credit: 0 }));
  const sum = turns.reduce((total, { weight }) => total + weight, 0);
  return () => {
    for (const turn of turns) turn.credit += turn.weight;
    const next = turns.reduce((lead, turn) => (turn.credit > lead.credit ? turn : lead));
    next.credit -= sum;
    return next.operation;
  };
}
