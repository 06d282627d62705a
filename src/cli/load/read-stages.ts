import { CliError, exitCodes } from '../exit-codes.ts';

/**
 * The rate changes linearly from the previous stage's to `rate` (arrivals a second), which is reached at the
 * end.
 */
export interface Stage {
  durationMs: number;
  rate: number;
}

export interface LoadShape {
  /** Arrivals a second at the start. */
  startRate: number;
  stages: readonly Stage[];
}

export interface ShapeOptions {
  rate?: string;
  duration?: string;
  stage?: readonly string[];
}

const highestRate = 100_000;
const longestMs = 24 * 3_600_000;
const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A constant rate, or stages that begin with `rate`, 0 by default. @throws CliError */
export function readLoadShape({ rate, duration, stage = [] }: ShapeOptions): LoadShape {
  if (stage.length === 0) {
    const constant = readRate('--rate', rate ?? '50', 1);
    const durationMs = readDuration('--duration', duration ?? '10s');
    return { startRate: constant, stages: [{ durationMs, rate: constant }] };
  }
  if (duration !== undefined) {
    throw new CliError(exitCodes.usage, '--duration and --stage exclude each other: each stage has its own');
  }
  const stages = stage.map(readStage);
  const startRate = readRate('--rate', rate ?? '0', 0);
  if (startRate === 0 && stages.every((each) => each.rate === 0)) {
    throw new CliError(exitCodes.usage, '--stage: expected a rate above 0 in at least one stage');
  }
  if (sumOfDurations(stages) > longestMs)
    throw new CliError(exitCodes.usage, '--stage: expected at most 24h');
  return { startRate, stages };
}

export function sumOfDurations(stages: readonly Stage[]): number {
  return stages.reduce((sum, { durationMs }) => sum + durationMs, 0);
}

/** @throws CliError */
export function readDuration(name: string, text: string, leastMs = 1): number {
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(count) * unitMs[unit as keyof typeof unitMs];
  if (ms >= leastMs && ms <= longestMs) return ms;
  const least = leastMs === 0 ? '0s' : '1ms';
  throw new CliError(
    exitCodes.usage,
    `${name} ${text}: expected a time from ${least} to 24h, such as 500ms, 30s or 2m`,
  );
}

function readStage(text: string): Stage {
  const [duration = '', rate = '', ...more] = text.split(':');
  if (rate === '' || more.length > 0) {
    throw new CliError(exitCodes.usage, `--stage ${text}: expected TIME:RATE, such as 30s:100`);
  }
  return {
    durationMs: readDuration(`--stage ${text}:`, duration),
    rate: readRate(`--stage ${text}:`, rate, 0),
  };
}

function readRate(name: string, text: string, least: number): number {
  const rate = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (rate >= least && rate <= highestRate) return rate;
  throw new CliError(
    exitCodes.usage,
    `${name} ${text}: expected a rate from ${least} to ${highestRate} a second`,
  );
}
