import type { TrendRow } from '../../api/answers.ts';
import { get } from '../api.ts';
import { formatCount, formatTime } from '../format.ts';
import { say } from '../language.ts';
import { TimeChart } from '../parts/chart.tsx';
import { type Filter, Filters } from '../parts/filters.tsx';
import { Head } from '../parts/head.tsx';
import { Failure } from '../parts/notice.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { writeRoute } from '../route.ts';
import { useLoad } from '../use-load.ts';
import type { View } from '../views.ts';
import { findStep, readWindow, spreadTrend } from './trend-series.ts';

const presets = [
  ['60', 'trend.hour'],
  ['1440', 'trend.day'],
  ['10080', 'trend.week'],
  ['43200', 'trend.month'],
] as const;

/** How many instances were made in any window, by source. */
const Trend: View = ({ query }) => {
  const { data, error } = useLoad(async (signal) => {
    const { from, to } = readWindow(query, new Date());
    const step = findStep(query.get('step'), from, to);
    const window = { from: query.get('from') ?? from.toISOString(), to: query.get('to') ?? to.toISOString() };
    const asked = { ...window, step, source: query.get('source') ?? undefined };
    const { items } = await get<{ items: TrendRow[] }>('stats/trend', asked, signal);
    return { items, chart: spreadTrend(items, from.getTime(), to.getTime(), step) };
  });
  const chosen = query.has('from') ? '' : (query.get('minutes') ?? '60');
  return (
    <>
      <Head title={say('trend.title')}>
        <nav class="presets" aria-label={say('now.window')}>
          {presets.map(([minutes, key]) => (
            <a
              key={minutes}
              class="button"
              href={writeRoute('trend', undefined, { minutes, source: query.get('source') ?? undefined })}
              aria-current={chosen === minutes ? 'true' : undefined}
            >
              {say(key)}
            </a>
          ))}
        </nav>
      </Head>
      <Filters view="trend" filters={trendFilters()} query={query} />
      <Failure error={error} />
      {data && error === undefined && (
        <>
          <TimeChart
            title={say('trend.bySource')}
            kind="bars"
            legend="total"
            format={formatCount}
            data={data.chart}
            isTabled={false}
          />
          <h2>{say('chart.table')}</h2>
          <Table
            caption={say('chart.table')}
            columns={trendColumns()}
            rows={data.items}
            empty={say('chart.none')}
          />
        </>
      )}
    </>
  );
};

function trendFilters(): Filter[] {
  return [
    { name: 'from', label: say('filter.from'), kind: 'time' },
    { name: 'to', label: say('filter.to'), kind: 'time' },
    {
      name: 'step',
      label: say('trend.step'),
      options: { words: 'step', codes: ['auto', 'minute', 'hour', 'day'], first: 'auto' },
    },
    { name: 'source', label: say('instance.source'), kind: 'code', maxLength: 20 },
  ];
}

function trendColumns(): Column<TrendRow>[] {
  const count = (value: number | string | undefined) => (value === undefined ? '–' : formatCount(value));
  return [
    { title: say('chart.from'), isHead: true, cell: ({ bucketStart }) => formatTime(new Date(bucketStart)) },
    { title: say('instance.source'), cell: ({ source }) => source },
    { title: say('now.instances'), isNumber: true, cell: (row) => count(row.count) },
    { title: say('state.SUCCESS'), isNumber: true, cell: ({ success }) => count(success) },
    { title: say('state.FAILED'), isNumber: true, cell: ({ failed }) => count(failed) },
  ];
}

export const show = (): View => Trend;
