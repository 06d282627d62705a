import type { CpuPerItem } from '../machine/processes.ts';
import { type Line, medianSample, summarize, type Unit } from './line.ts';

export function formatNumber(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

export function formatRate(perSecond: number): string {
  return `${Math.round(perSecond).toLocaleString('en-US')}/s`;
}

export function formatValue(value: number, unit: Unit): string {
  return unit === '/s' ? formatRate(value) : `${formatNumber(value)} ${unit}`;
}

/** Minimum to maximum; empty with one round. */
export function formatSpread(line: Line): string {
  if (line.samples.length < 2) return '';
  const { least, most } = summarize(line);
  return `${formatNumber(least)} … ${formatNumber(most)}`;
}

/** CPU µs for each item, of every process that could be read: `9.1 node · 10 pg · 22 rabbit · 1.5 redis`. */
export function formatCpu(line: Line): string {
  const cpu = medianSample(line).cpuMicrosPerItem;
  if (cpu === undefined) return '';
  return listCpu(cpu)
    .map(([who, micros]) => `${who} ${formatNumber(micros)}`)
    .join(' · ');
}

/** When a program of its own is measured, the bench itself only observes or generates the load. */
export function listCpu({
  program,
  bench,
  postgres,
  rabbitmq,
  redis,
  others,
}: CpuPerItem): [string, number][] {
  const all = { node: program ?? bench, postgres, rabbitmq, redis, others };
  return Object.entries(all).filter((entry): entry is [string, number] => (entry[1] ?? 0) > 0);
}
