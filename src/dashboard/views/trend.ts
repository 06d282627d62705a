import type { TrendRow } from '../../api/answers.ts';
import { get } from '../api.ts';
import { make } from '../element.ts';
import { formatCount, formatTime, fromLocalInput, toLocalInput } from '../format.ts';
import { say } from '../language.ts';
import { TimeChart } from '../parts/chart.ts';
import { makeField, makeSelect } from '../parts/field.ts';
import { Notice } from '../parts/notice.ts';
import { type Column, Table } from '../parts/table.ts';
import { writeRoute } from '../route.ts';
import { findStep, spreadTrend } from './trend-series.ts';
import type { View } from './view.ts';

const presets = [
  ['60', 'trend.hour'],
  ['1440', 'trend.day'],
  ['10080', 'trend.week'],
  ['43200', 'trend.month'],
] as const;

/** How many instances were made in any window, by source. */
export const showTrend: View = async (place, { query }, signal) => {
  const notice = new Notice();
  const format = (value: number) => formatCount(value);
  const chart = new TimeChart({
    title: say('trend.bySource'),
    kind: 'bars',
    format,
    legend: 'total',
    isTabled: false,
  });
  const table = new Table(say('trend.table'), trendColumns(), say('trend.none'));
  const answer = make(
    'div',
    { class: 'answer' },
    chart.element,
    make('h2', {}, say('trend.table')),
    table.element,
  );
  place.append(
    make('div', { class: 'head' }, make('h1', { tabindex: -1 }, say('trend.title')), makePresets(query)),
    makeWindow(query),
    notice.element,
    answer,
  );
  const { from, to } = readWindow(query);
  const step = findStep(query.get('step'), from, to);
  const source = query.get('source') ?? undefined;
  try {
    const window = { from: from.toISOString(), to: to.toISOString() };
    const { items } = await get<{ items: TrendRow[] }>('stats/trend', { ...window, step, source }, signal);
    chart.show(spreadTrend(items, from.getTime(), to.getTime(), step));
    table.show(items);
  } catch (error) {
    if (signal.aborted) return;
    answer.hidden = true;
    notice.fail(error);
  }
};

/** Either from and to, or the last so many minutes: a link to the latter goes on being about now. */
function readWindow(query: URLSearchParams): { from: Date; to: Date } {
  const at = (name: string) => {
    const date = new Date(query.get(name) ?? '');
    return Number.isNaN(date.getTime()) ? undefined : date;
  };
  const to = at('to') ?? new Date();
  const minutes = Number(query.get('minutes') ?? 60) || 60;
  return { from: at('from') ?? new Date(to.getTime() - minutes * 60_000), to };
}

function makePresets(query: URLSearchParams): HTMLElement {
  const chosen = query.has('from') ? '' : (query.get('minutes') ?? '60');
  const links = presets.map(([minutes, key]) =>
    make(
      'a',
      {
        class: 'button',
        href: writeRoute('trend', undefined, { minutes, source: query.get('source') ?? undefined }),
        'aria-current': chosen === minutes ? 'true' : undefined,
      },
      say(key),
    ),
  );
  return make('nav', { class: 'presets', 'aria-label': say('trend.window') }, ...links);
}

function makeWindow(query: URLSearchParams): HTMLElement {
  const { from, to } = readWindow(query);
  const steps = [
    ['', say('trend.auto')],
    ['minute', say('trend.minute')],
    ['hour', say('trend.hourStep')],
    ['day', say('trend.dayStep')],
  ] as const;
  const moment = { type: 'datetime-local', required: true };
  const form = make(
    'form',
    { class: 'filter' },
    makeField(say('filter.from'), make('input', { ...moment, name: 'from', value: toLocalInput(from) })),
    makeField(say('filter.to'), make('input', { ...moment, name: 'to', value: toLocalInput(to) })),
    makeField(say('trend.step'), makeSelect({ name: 'step' }, steps, query.get('step') ?? '')),
    makeField(
      say('instance.source'),
      make('input', { name: 'source', maxlength: 20, class: 'short', value: query.get('source') ?? '' }),
    ),
    make(
      'p',
      { class: 'buttons' },
      make('button', { type: 'submit', class: 'primary', id: 'show' }, say('action.show')),
    ),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const data = new FormData(form);
    const text = (name: string) => String(data.get(name) ?? '').trim();
    location.hash = writeRoute('trend', undefined, {
      from: fromLocalInput(text('from'))?.toISOString(),
      to: fromLocalInput(text('to'))?.toISOString(),
      step: text('step'),
      source: text('source').toUpperCase(),
    });
  });
  return form;
}

function trendColumns(): Column<TrendRow>[] {
  const count = (value: number | string | undefined) => (value === undefined ? '–' : formatCount(value));
  return [
    { title: say('trend.from'), isHead: true, cell: ({ bucketStart }) => formatTime(new Date(bucketStart)) },
    { title: say('instance.source'), cell: ({ source }) => source },
    { title: say('now.instances'), isNumber: true, cell: (row) => count(row.count) },
    { title: say('state.SUCCESS'), isNumber: true, cell: ({ success }) => count(success) },
    { title: say('state.FAILED'), isNumber: true, cell: ({ failed }) => count(failed) },
  ];
}
