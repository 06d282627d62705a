import type { LatencySummary } from '../load/latencies.ts';
import type { LoadReport } from '../load/load-report.ts';
import { drawSparkline } from './merged-seconds.ts';
import { printLine } from './output.ts';
import { printTable } from './table.ts';

const labelWidth = 10;
const chartWidth = 48;
const latencyTitles = ['P50', 'P90', 'P99', 'P99.9', 'MAX'];

/** Fits into 80 columns. The chart is printed on a terminal only. */
export function printLoadReport(report: LoadReport): void {
  const { all, requests, seconds, url } = report;
  const planned = all.sent + all.dropped;
  printLine(
    { style: 'bold', text: `Load on ${url}` },
    `: ${planned.toLocaleString('en')} requests due in ${seconds.toFixed(1)} s`,
  );
  if (process.stdout.isTTY) printChart(report);
  printLine();
  const rows = Object.entries(requests);
  const figures = rows.length > 1 ? [...rows, ['all', all] as const] : rows;
  printTable(
    ['REQUEST', 'SENT', 'ERRORS', 'DROPPED', ...latencyTitles],
    figures.map(([name, { sent, errors, dropped, latency }]) => [
      ...[name, `${sent}`, `${errors}`, `${dropped}`],
      ...showLatency(latency),
    ]),
  );
  printLine({ style: 'dim', text: 'Times in ms, from when the request was due to its answer.' });
  printLine();
  for (const [name, { answers }] of rows) {
    const texts = Object.entries(answers).map(([answer, count]) => `${answer}: ${count}`);
    if (texts.length > 0) printLine(`${name.padEnd(labelWidth)}${texts.join(', ')}`);
  }
  printFollowed(report);
  printGenerator(report);
  printRules(report);
}

function printChart({ series }: LoadReport): void {
  const rates = series.map(({ answered }) => answered);
  const p99s = series.map(({ p99Ms }) => p99Ms);
  const highestMs = Math.max(0, ...p99s.filter((ms) => ms !== undefined));
  const draw = (label: string, values: readonly (number | undefined)[], highest: string) =>
    printLine(`${label.padEnd(labelWidth)}${drawSparkline(values, chartWidth)} ${highest}`);
  printLine();
  draw('answers/s', rates, `up to ${Math.max(0, ...rates)}`);
  draw('p99', p99s, `up to ${showMs(highestMs)} ms`);
}

function printFollowed({ followed }: LoadReport): void {
  if (!followed || followed.count === 0) return;
  const { count, of, steps, unfinished, unfinishedBy } = followed;
  printLine();
  printTable(
    ['STEP', 'PURCHASES', ...latencyTitles],
    Object.entries(steps).map(([step, latency]) => [step, `${latency.count}`, ...showLatency(latency)]),
  );
  const sample = `${count} of ${of} followed`;
  printLine({ style: 'dim', text: `In ms from the purchase, by the stores' clocks; ${sample}.` });
  printLine({
    style: 'dim',
    text: 'Published is an upper bound: Weir records it for batches, not instances.',
  });
  if (unfinished === 0) return;
  const states = Object.entries(unfinishedBy).map(([state, number]) => `${state}: ${number}`);
  printLine(`Without an instance: ${states.join(', ')}; see weir parked list, weir top`);
}

/** Above these values the figures describe the generator. */
const mostCpuShare = 0.9;
const mostLateMs = 50;

function printGenerator({ generator, plan }: LoadReport): void {
  const { cpuShare, lateness, waited } = generator;
  const lateMs = lateness?.p99Ms ?? 0;
  const isLimit = cpuShare > mostCpuShare || lateMs > mostLateMs;
  const used = `${Math.round(cpuShare * 100)} % of a core, requests up to ${showMs(lateMs)} ms late (p99)`;
  printLine();
  printLine({ style: isLimit ? 'yellow' : 'dim', text: `Load generator: ${used}` });
  if (isLimit) printLine('The generator is the bottleneck: use another machine, or a lower rate.');
  if (waited > 0)
    printLine(`${waited} requests waited for one of the ${plan.connections} connections (--connections).`);
}

function printRules({ rules }: LoadReport): void {
  for (const { rule, value, breached } of rules) {
    const measured = value === undefined ? 'nothing was measured' : `${Number(value.toFixed(3))}`;
    printLine(
      { style: breached ? 'red' : 'green', text: breached ? 'fail' : 'ok  ' },
      `  ${rule}  (${measured})`,
    );
  }
}

function showLatency(latency: LatencySummary | undefined): string[] {
  if (!latency) return latencyTitles.map(() => '-');
  const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = latency;
  return [p50Ms, p90Ms, p99Ms, p999Ms, maxMs].map(showMs);
}

function showMs(ms: number): string {
  return ms < 1000 ? ms.toFixed(1) : `${Math.round(ms)}`;
}
