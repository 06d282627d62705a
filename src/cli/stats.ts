import { Api, type ApiOptions } from './api.ts';
import { exitCodes } from './exit-codes.ts';
import { printJson, printTable } from './table.ts';

interface SourceCount {
  source: string;
  total: string;
  success: string;
  failed: string;
  processing: string;
  successRate: string;
}

interface TrendPoint {
  minute: string;
  source: string;
  count: string;
}

export async function runStats(options: ApiOptions & { json?: boolean; minutes: string }): Promise<number> {
  const api = new Api(options);
  const sources = await api.get<{ items: SourceCount[] }>('/v1/stats/sources');
  const trend = await api.get<{ items: TrendPoint[] }>(
    `/v1/stats/trend?minutes=${encodeURIComponent(options.minutes)}`,
  );
  if (options.json) {
    printJson({ sources: sources.items, trend: trend.items });
    return exitCodes.ok;
  }
  printTable(
    ['SOURCE', 'TOTAL', 'SUCCESS', 'FAILED', 'PROCESSING', 'SUCCESS RATE'],
    sources.items.map((row) => [
      row.source,
      row.total,
      row.success,
      row.failed,
      row.processing,
      `${row.successRate} %`,
    ]),
  );
  process.stdout.write(`\n${drawTrend(trend.items, Number(options.minutes))}\n`);
  return exitCodes.ok;
}

/** One bar a minute, newest last, scaled to the highest minute. */
export function drawTrend(points: readonly TrendPoint[], minutes: number, width = 48): string {
  if (points.length === 0) return `no instances in the last ${minutes} minutes`;
  const byMinute = new Map<string, { total: number; parts: string[] }>();
  for (const { minute, source, count } of points) {
    const row = byMinute.get(minute) ?? { total: 0, parts: [] };
    row.total += Number(count);
    row.parts.push(`${source} ${count}`);
    byMinute.set(minute, row);
  }
  const highest = Math.max(...[...byMinute.values()].map(({ total }) => total));
  const rows = [...byMinute].reverse().map(([minute, { total, parts }]) => {
    const bar = '█'.repeat(Math.max(1, Math.round((total / highest) * width)));
    return `${minute.slice(11, 16)} ${bar.padEnd(width)} ${total}  (${parts.join(', ')})`;
  });
  return [`Instances by minute (UTC), last ${minutes} minutes`, ...rows].join('\n');
}
