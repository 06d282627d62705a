import type { TrendRow } from '../../api/answers.ts';
import type { ChartData } from '../parts/chart-scale.ts';
import { parseTime } from '../route.ts';

const stepsMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
type Step = keyof typeof stepsMs;

/** The step that was asked for, else one that gives the window at most some hundreds of them. */
export function findStep(asked: string | null, from: Date, to: Date): Step {
  if (asked !== null && Object.hasOwn(stepsMs, asked)) return asked as Step;
  const span = to.getTime() - from.getTime();
  if (span <= 6 * stepsMs.hour) return 'minute';
  return span <= 14 * stepsMs.day ? 'hour' : 'day';
}

/** The API leaves out steps without instances; the chart has a place for each step of the window. */
export function spreadTrend(rows: readonly TrendRow[], fromMs: number, toMs: number, step: Step): ChartData {
  const stepMs = stepsMs[step];
  // Steps begin at whole minutes, hours and days of UTC, as the server's do.
  const first = Math.floor(fromMs / stepMs) * stepMs;
  const steps = Math.max(1, Math.ceil((toMs - first) / stepMs));
  const series = [...new Set(rows.map(({ source }) => source))].sort().map((name) => ({
    name,
    values: new Array<number>(steps).fill(0),
  }));
  for (const { bucketStart, source, count } of rows) {
    const values = series.find(({ name }) => name === source)?.values;
    const i = Math.floor((Date.parse(bucketStart) - first) / stepMs);
    if (values && i >= 0 && i < steps) values[i] = (values[i] ?? 0) + Number(count);
  }
  return { fromMs: first, stepMs, steps, series };
}

/** Either from and to, or the last so many minutes: a link to the latter goes on being about now. */
export function readWindow(query: URLSearchParams, now: Date): { from: Date; to: Date } {
  const at = (name: string) => parseTime(query.get(name) ?? '');
  const to = at('to') ?? now;
  const minutes = Number(query.get('minutes') ?? 60) || 60;
  return { from: at('from') ?? new Date(to.getTime() - minutes * 60_000), to };
}
