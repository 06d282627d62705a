import type { PartName } from '../options.ts';
import { latencyName, latencyShares, latencySteps } from '../weir/latency.ts';
import type { Bar, Chart } from './chart.ts';
import { type Line, summarize, type Unit } from './line.ts';
import type { Report } from './report.ts';

const ours = /^(Weir|whole life|empty table|vacuum|backlog|embedded|event|result|callback answered|\d)/;

const titles: Partial<Record<PartName, string>> = {
  limits: 'What each store and HTTP alone can do',
  alternatives: 'From a stream entry to a row and a confirmed message',
  callback: 'Payment callbacks answered',
  admission: 'Buying in a sale against bare routes',
  growth: 'The pipeline as things grow',
  vacuum: 'A transaction held open, so that vacuum removes nothing',
};

/**
 * One chart per part, with the lines of its most common unit, fastest first where the order has no meaning.
 */
export function listCharts(report: Report): { readonly part: PartName; readonly chart: Chart }[] {
  const charts = (Object.entries(titles) as [PartName, string][]).flatMap(([part, title]) => {
    const lines = (report.parts[part]?.lines ?? []).filter(({ unit }) => unit === '/s');
    if (lines.length === 0) return [];
    const bars = lines.map(toBar);
    const isRanking = part !== 'growth' && part !== 'vacuum';
    if (isRanking) bars.sort((a, b) => b.median - a.median);
    return [{ part, chart: { title, unit: '/s' as Unit, bars } }];
  });
  const latency = drawLatency(report);
  return latency === undefined ? charts : [...charts, { part: 'latency', chart: latency }];
}

function drawLatency(report: Report): Chart | undefined {
  const lines = report.parts.latency?.lines ?? [];
  const bars = latencyShares.flatMap((share) =>
    latencySteps.flatMap((step) => {
      const line = lines.find(({ name }) => name === latencyName(step, share));
      return line === undefined ? [] : [toBar(line)];
    }),
  );
  return bars.length === 0 ? undefined : { title: 'p99 from when a callback was due', unit: 'ms', bars };
}

function toBar(line: Line): Bar {
  return { name: line.name, isOurs: ours.test(line.name), ...summarize(line) };
}
