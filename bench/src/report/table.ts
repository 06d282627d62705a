import type { PartName } from '../options.ts';
import type { Verdict } from './budgets.ts';
import { formatSpread, formatValue, listCpu } from './format.ts';
import { type Line, medianSample, summarize } from './line.ts';
import type { PartReport, Report } from './report.ts';

/** Minimum width of a terminal. */
const columns = 80;

/** The parts measured now: their lines, failures, then every budget. */
export function formatReport({ parts, verdicts }: Report, names: readonly PartName[]): string {
  const blocks = names.flatMap((name) => {
    const part = parts[name];
    return part === undefined ? [] : [formatPart(name, part)];
  });
  if (verdicts.length > 0) blocks.push(formatVerdicts(verdicts));
  return blocks.join('\n\n');
}

function formatPart(name: PartName, { lines, failures, rounds, seconds }: PartReport): string {
  const rows = lines.map((line) => [
    line.name,
    formatValue(summarize(line).median, line.unit),
    formatSpread(line),
  ]);
  const costs = lines.map(formatCost);
  const table = alignRows(rows).flatMap((row, index) => {
    const cost = costs[index];
    return cost ? [row, `    ${cost}`] : [row];
  });
  const failed = Object.entries(failures).map(([line, reason]) => `✗ ${line}: ${reason.split('\n')[0]}`);
  const head = `${name}: median, least … most of ${rounds} round${rounds === 1 ? '' : 's'} (${seconds} s)`;
  return [head, '─'.repeat(columns), ...table, ...failed.flatMap((line) => wrap(line, columns))].join('\n');
}

const short: Readonly<Record<string, string>> = { postgres: 'pg', rabbitmq: 'rabbit' };

/** A second, indented row: CPU of each process and percentiles. */
function formatCost(line: Line): string {
  const { cpuMicrosPerItem, figures } = medianSample(line);
  const parts: string[] = [];
  if (cpuMicrosPerItem !== undefined) {
    const each = listCpu(cpuMicrosPerItem).map(
      ([who, micros]) => `${short[who] ?? who} ${Math.round(micros)}`,
    );
    if (each.length > 0) parts.push(`CPU µs: ${each.join(' · ')}`);
  }
  if (figures?.p50 !== undefined && figures.p99 !== undefined) {
    const tail = figures.p999 === undefined ? '' : ` · p99.9 ${figures.p999}`;
    parts.push(`ms: p50 ${figures.p50} · p99 ${figures.p99}${tail}`);
  }
  return parts.join(', ');
}

export function formatVerdicts(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ budget, figure, limit, outcome, because }) => [
    `${outcome === 'met' ? '✓' : outcome === 'not met' ? '✗' : '–'} ${budget}`,
    figure,
    limit,
    because ?? outcome,
  ]);
  return ['budgets: medians of one run', '─'.repeat(columns), ...alignRows(rows)].join('\n');
}

/** The first column gets the remaining width; a longer cell is truncated with an ellipsis. */
function alignRows(rows: readonly (readonly string[])[]): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const others = widths.slice(1).reduce((sum, width) => sum + width + 2, 0);
  const first = Math.max(20, Math.min(widths[0] ?? 0, columns - others));
  return rows.map(([name = '', ...cells]) => {
    const cut = name.length > first ? `${name.slice(0, first - 1)}…` : name.padEnd(first);
    const rest = cells.map((cell, index) =>
      index === 0 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[index + 1] ?? 0),
    );
    return [cut, ...rest].join('  ').trimEnd();
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (let left = text; left.length > 0; ) {
    const space = left.length <= width ? -1 : left.lastIndexOf(' ', width);
    const end = left.length <= width ? left.length : space > 10 ? space : width;
    lines.push(left.slice(0, end));
    left = left.length <= end ? '' : `  ${left.slice(end).trimStart()}`;
  }
  return lines;
}
