import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Machine, ServerSettings } from '../machine/settings.ts';
import type { PartName } from '../options.ts';
import type { Verdict } from './budgets.ts';
import { type Line, medianNumber, medianSample } from './line.ts';

/** One measured part; the parts of one report may come from several runs. */
export interface PartReport {
  readonly startedAt: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly count: number;
  readonly isQuick: boolean;
  readonly machine: Machine;
  readonly servers?: ServerSettings;
  /** Versions of the compared packages. */
  readonly versions: Readonly<Record<string, string>>;
  /** 1 minute load average of the machine before the part. */
  readonly loadBefore: number;
  readonly lines: readonly Line[];
  readonly failures: Readonly<Record<string, string>>;
}

export interface Report {
  readonly parts: Partial<Record<PartName, PartReport>>;
  readonly verdicts: readonly Verdict[];
}

/** Keeps parts in the file that were not measured this time: each part may come from its own run. */
export function readReport(file: string): Report {
  if (!existsSync(file)) return { parts: {}, verdicts: [] };
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}

export function writeReport(file: string, report: Report): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
}

export function findLine(report: Report, part: PartName, name: string): Line | undefined {
  return report.parts[part]?.lines.find((line) => line.name === name);
}

export function findMedian(report: Report, part: PartName, name: string): number | undefined {
  const line = findLine(report, part, name);
  return line && medianSample(line).value;
}

/** µs of all processes but the bench's own for each item: the median of the rounds in which all could be read. */
export function findCpu(report: Report, part: PartName, name: string): number | undefined {
  const sums = (findLine(report, part, name)?.samples ?? []).flatMap(({ cpuMicrosPerItem: cpu }) => {
    const parts = [cpu?.program, cpu?.postgres, cpu?.redis, cpu?.rabbitmq];
    return parts.includes(undefined) ? [] : [parts.reduce<number>((sum, part) => sum + (part ?? 0), 0)];
  });
  return sums.length === 0 ? undefined : medianNumber(sums);
}
