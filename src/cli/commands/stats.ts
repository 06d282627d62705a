import type { SourceCount, Trend, TrendRow } from '../../api/answers.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { exitCodes } from '../exit-codes.ts';
import { printJson, printJsonLines, printLine, printNotice } from '../output/output.ts';
import { printTable } from '../output/table.ts';
import { readTime } from './read-time.ts';

interface WindowOptions extends ApiOptions {
  json?: boolean;
  minutes?: string;
  from?: string;
  to?: string;
  step?: string;
  source?: string;
}

/** Figures by source, of all time or of the given window; and the trend. */
export async function runStats(options: WindowOptions): Promise<number> {
  const { minutes, from, to, source } = options;
  const api = new Api(options);
  const trend = await readTrend(api, options);
  const hasWindow = [minutes, from, to].some((given) => given !== undefined);
  const sources = hasWindow ? countBySource(trend.items) : await readSources(api, source);
  if (options.json) {
    printJson({ sources, trend: trend.items });
    return exitCodes.ok;
  }
  printNotice(`Answered by the Weir at ${api.url}`);
  printLine(`Instances by source ${hasWindow ? describeWindow(trend) : 'of all time'}`);
  printTable(
    ['SOURCE', 'TOTAL', 'SUCCESS', 'FAILED', 'PROCESSING', 'SUCCESS RATE'],
    sources.map((row) => [
      row.source,
      row.total,
      row.success,
      row.failed,
      row.processing,
      `${row.successRate} %`,
    ]),
  );
  printLine();
  printTrend(trend);
  return exitCodes.ok;
}

async function readSources(api: Api, source: string | undefined): Promise<SourceCount[]> {
  const { items } = await api.get<{ items: SourceCount[] }>('/v1/stats/sources');
  return source === undefined ? items : items.filter((item) => item.source === source);
}

/** Sums of the trend, in the form of the all-time figures. */
function countBySource(points: readonly TrendRow[]): SourceCount[] {
  const sources = [...new Set(points.map(({ source }) => source))].sort();
  return sources.map((source) => {
    const ofSource = points.filter((point) => point.source === source);
    const add = (name: 'count' | 'success' | 'failed') =>
      ofSource.reduce((sum, point) => sum + Number(point[name]), 0);
    const [total, success, failed] = [add('count'), add('success'), add('failed')];
    return {
      source,
      total: `${total}`,
      success: `${success}`,
      failed: `${failed}`,
      processing: `${total - success - failed}`,
      successRate: ((100 * success) / total).toFixed(2),
    };
  });
}

export async function runTrend(options: WindowOptions & { ndjson?: boolean }): Promise<number> {
  const api = new Api(options);
  const trend = await readTrend(api, options);
  if (options.ndjson) await printJsonLines(trend.items);
  else if (options.json) printJson(trend);
  else {
    printNotice(`Answered by the Weir at ${api.url}`);
    printTrend(trend);
  }
  return exitCodes.ok;
}

function readTrend(api: Api, { minutes, from, to, step, source }: WindowOptions): Promise<Trend> {
  const asked = {
    minutes,
    from: from && readTime('--from', from),
    to: to && readTime('--to', to),
    step,
    source,
  };
  const given = Object.entries(asked).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return api.get<Trend>(`/v1/stats/trend?${new URLSearchParams(given)}`);
}

/** Parts of a time in ISO 8601. */
const labels = { minute: [11, 16], hour: [5, 16], day: [0, 10] } as const;

const widestBar = 48;
const leastBar = 8;

function printTrend(trend: Trend): void {
  for (const line of drawTrend(trend, columnsShown())) printLine(line);
}

/** One bar per step, newest last, scaled to the highest and to the width `columns`. */
function drawTrend(trend: Trend, columns = Number.POSITIVE_INFINITY): string[] {
  const { step, items } = trend;
  const window = describeWindow(trend);
  if (items.length === 0) return [`no instances ${window}`];
  const bySteps = new Map<string, { total: number; failed: number; parts: string[] }>();
  for (const { bucketStart, source, count, failed } of items) {
    const row = bySteps.get(bucketStart) ?? { total: 0, failed: 0, parts: [] };
    row.total += Number(count);
    row.failed += Number(failed);
    row.parts.push(`${source} ${count}`);
    bySteps.set(bucketStart, row);
  }
  const highest = Math.max(...[...bySteps.values()].map(({ total }) => total));
  const lines = [...bySteps].reverse().map(([at, { total, failed, parts }]) => {
    const shown = failed > 0 ? [...parts, `${failed} failed`] : parts;
    const label = at.slice(...labels[step]).replace('T', ' ');
    return { label, total, text: `${total}  (${shown.join(', ')})` };
  });
  const textWidth = Math.max(...lines.map(({ label, text }) => label.length + text.length + 2));
  const width = Math.max(leastBar, Math.min(widestBar, columns - textWidth));
  const rows = lines.map(({ label, total, text }) => {
    const bar = '█'.repeat(Math.max(1, Math.round((total / highest) * width)));
    return `${label} ${bar.padEnd(width)} ${text}`;
  });
  return [`Instances by ${step} ${window}`, ...rows];
}

function describeWindow({ from, to }: Trend): string {
  return `from ${from.slice(0, 16)} to ${to.slice(0, 16)}, UTC`;
}

/** undefined: no terminal, so the width is not limited. */
function columnsShown(): number | undefined {
  const { isTTY, columns } = process.stdout;
  return isTTY && columns ? columns : undefined;
}
