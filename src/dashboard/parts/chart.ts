import { make, makeSvg, setAttributes, setText } from '../element.ts';
import { formatCompact, formatCount, formatTime } from '../format.ts';
import { locale, say } from '../language.ts';
import { type ChartData, placeTicks, roundUp, type Series, sumKnown, sumUp } from './chart-scale.ts';
import { Table } from './table.ts';

interface ChartOptions {
  title: string;
  kind: 'area' | 'bars';
  /** How one value reads, such as `12 /s`. */
  format: (value: number) => string;
  /** What the legend says while no moment is pointed at: a count is added up, a rate is not. */
  legend: 'latest' | 'total';
  /** Whether a table of the same is offered below. */
  isTabled?: boolean;
}

const height = 168;
const edge = { left: 40, right: 8, top: 8, bottom: 22 };
/** Half of the widest label below the axis: the last one ends at the edge where it would stand out of it. */
const halfTick = 26;
const maxTableRows = 30;
const dayMs = 86_400_000;

/** Counts over time, stacked by name. Under the pointer the legend shows that moment. */
export class TimeChart {
  readonly element: HTMLElement;
  readonly #options: ChartOptions;
  readonly #drawing = makeSvg('svg', { role: 'img', height, preserveAspectRatio: 'none' });
  readonly #legend = make('ul', { class: 'legend' });
  readonly #moment = make('span', { class: 'moment' });
  readonly #table = make(
    'details',
    { ontoggle: () => this.#showTable() },
    make('summary', {}, say('chart.table')),
  );
  #data: ChartData | undefined;
  /** Of the value under the pointer. */
  #pointed: number | undefined;

  constructor(options: ChartOptions) {
    this.#options = options;
    this.element = make(
      'figure',
      { class: 'chart' },
      make('figcaption', {}, make('span', { class: 'title' }, options.title), this.#moment),
      this.#drawing,
      this.#legend,
      (options.isTabled ?? true) && this.#table,
    );
    this.#drawing.addEventListener('pointermove', (event) => this.#point(event.offsetX));
    this.#drawing.addEventListener('pointerleave', () => this.#point(undefined));
    new ResizeObserver(() => this.#draw()).observe(this.#drawing);
  }

  show(data: ChartData): void {
    this.#data = data;
    this.#draw();
  }

  #point(x: number | undefined): void {
    const steps = this.#data?.steps ?? 0;
    if (x === undefined || steps === 0) this.#pointed = undefined;
    else {
      const share = (x - edge.left) / (this.#drawing.clientWidth - edge.left - edge.right);
      this.#pointed = Math.min(steps - 1, Math.max(0, Math.floor(share * steps)));
    }
    this.#draw();
  }

  #draw(): void {
    const width = this.#drawing.clientWidth;
    const data = this.#data;
    if (!data || width === 0) return;
    const tops = stack(data.series);
    const most = roundUp(Math.max(0, ...(tops.at(-1) ?? []).filter(Number.isFinite)));
    const x = (i: number) => edge.left + (i / data.steps) * (width - edge.left - edge.right);
    const y = (value: number) => edge.top + (1 - value / most) * (height - edge.top - edge.bottom);
    const layers = tops.map((top, i) => {
      const bottom = tops[i - 1] ?? top.map(() => 0);
      const path = this.#options.kind === 'area' ? drawArea(top, bottom, x, y) : drawBars(top, bottom, x, y);
      return makeSvg('path', {
        d: path,
        class: `layer ${colorOf(data.series[i])} ${this.#options.kind}`,
      });
    });
    this.#drawing.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.#drawing.replaceChildren(
      ...this.#drawGrid(data, width, most, x, y),
      ...layers,
      ...(this.#pointed === undefined ? [] : [drawCursor((x(this.#pointed) + x(this.#pointed + 1)) / 2)]),
    );
    this.#describe(data);
  }

  #drawGrid(
    { fromMs, stepMs, steps }: ChartData,
    width: number,
    most: number,
    x: (i: number) => number,
    y: (value: number) => number,
  ): SVGElement[] {
    const lines = [0, most / 2, most].flatMap((value) => [
      makeSvg('line', { class: 'grid', x1: edge.left, x2: width - edge.right, y1: y(value), y2: y(value) }),
      makeSvg('text', { class: 'value', x: edge.left - 6, y: y(value) + 4 }, formatCompact(value)),
    ]);
    const toMs = fromMs + steps * stepMs;
    const ticks = placeTicks(fromMs, toMs, Math.max(2, Math.floor(width / 85)));
    const format = tickFormat(toMs - fromMs);
    return [
      ...lines,
      ...ticks.map((at) => {
        const place = x((at - fromMs) / stepMs);
        const isLast = place > width - edge.right - halfTick;
        return makeSvg(
          'text',
          { class: isLast ? 'time last' : 'time', x: isLast ? width : place, y: height - 6 },
          format.format(at),
        );
      }),
    ];
  }

  /** The legend, and the same in words for who does not see the drawing. */
  #describe({ fromMs, stepMs, steps, series }: ChartData): void {
    const { format, title, legend } = this.#options;
    const shown = this.#pointed ?? steps - 1;
    const isTotal = this.#pointed === undefined && legend === 'total';
    const items = series.map(({ name, values, isBad }) => {
      const value = isTotal ? sumKnown(values) : (values[shown] ?? Number.NaN);
      return make(
        'li',
        {},
        make('span', { class: `swatch ${colorOf({ name, isBad })}` }),
        name,
        make('span', { class: 'number' }, Number.isFinite(value) ? format(value) : '–'),
      );
    });
    this.#legend.replaceChildren(...items);
    const at = new Date(fromMs + shown * stepMs);
    const moment =
      this.#pointed === undefined
        ? say(`chart.${legend}`)
        : formatTime(at, { isDateShown: stepMs >= 60_000 });
    setText(this.#moment, moment);
    const sums = series.map(({ name, values }) => `${name} ${formatKnown(sumKnown(values))}`);
    const from = formatTime(new Date(fromMs));
    const to = formatTime(new Date(fromMs + steps * stepMs));
    const summary = say('chart.summary', { title, from, to, sums: sums.join(', ') });
    setAttributes(this.#drawing, { 'aria-label': summary });
  }

  /** Made when it is opened: a table that moves under the reader cannot be read. */
  #showTable(): void {
    if (!this.#table.open || !this.#data) return;
    const { fromMs, stepMs, series } = this.#data;
    const columns = series.map(({ name, values }) => ({ name, ...sumUp(values, maxTableRows) }));
    const size = columns[0]?.size ?? 1;
    const steps = (columns[0]?.sums ?? []).map((_, i) => i).reverse();
    const table = new Table<number>(
      this.#options.title,
      [
        {
          title: say('chart.from'),
          isHead: true,
          cell: (i) =>
            formatTime(new Date(fromMs + i * size * stepMs), { isDateShown: size * stepMs >= 60_000 }),
        },
        ...columns.map(({ name, sums }) => ({
          title: name,
          isNumber: true,
          cell: (i: number) => formatKnown(sums[i] ?? 0),
        })),
      ],
      say('chart.none'),
    );
    table.show(steps);
    this.#table.replaceChildren(...[...this.#table.children].slice(0, 1), table.element);
  }
}

function formatKnown(count: number): string {
  return Number.isNaN(count) ? '–' : formatCount(count);
}

/** Running sums: the top of each series lies on the top of the one before. */
function stack(series: readonly Series[]): number[][] {
  let below: number[] = [];
  return series.map(({ values }) => {
    below = values.map((value, i) => value + (below[i] ?? 0));
    return below;
  });
}

type Place = (value: number) => number;

function drawArea(top: number[], bottom: number[], x: Place, y: Place): string {
  const point = (value: number, i: number) => `${x(i + 0.5).toFixed(1)},${y(value).toFixed(1)}`;
  return findRuns(top)
    .map(([from, to]) => {
      const there = top.slice(from, to).map((value, i) => point(value, from + i));
      const back = bottom.slice(from, to).map((value, i) => point(value, from + i));
      return `M${there.join('L')}L${back.reverse().join('L')}Z`;
    })
    .join('');
}

/** Where values are known: each run as its first index and the one behind its last. */
function findRuns(values: readonly number[]): [from: number, to: number][] {
  const runs: [number, number][] = [];
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) return;
    const last = runs.at(-1);
    if (last?.[1] === i) last[1] = i + 1;
    else runs.push([i, i + 1]);
  });
  return runs;
}

function drawBars(top: number[], bottom: number[], x: Place, y: Place): string {
  const gap = x(1) - x(0) > 4 ? 1 : 0;
  return top
    .map((value, i) => {
      const [left, right] = [x(i).toFixed(1), (x(i + 1) - gap).toFixed(1)];
      const low = y(bottom[i] ?? 0).toFixed(1);
      return value === bottom[i] ? '' : `M${left},${low}V${y(value).toFixed(1)}H${right}V${low}Z`;
    })
    .join('');
}

function drawCursor(x: number): SVGElement {
  return makeSvg('line', { class: 'cursor', x1: x, x2: x, y1: edge.top, y2: height - edge.bottom });
}

function tickFormat(spanMs: number): Intl.DateTimeFormat {
  if (spanMs > 2 * dayMs) return new Intl.DateTimeFormat(locale(), { month: '2-digit', day: '2-digit' });
  const seconds = spanMs <= 600_000 ? { second: '2-digit' as const } : {};
  return new Intl.DateTimeFormat(locale(), {
    hour: '2-digit',
    minute: '2-digit',
    ...seconds,
    hourCycle: 'h23',
  });
}

const fixedColors = ['SECKILL', 'ORDER', 'ACTIVITY'];
const given = new Map(fixedColors.map((name, i) => [name, i]));
const colors = 6;

/** A source keeps its color while the page is open, in every chart. */
function colorOf({ name, isBad }: { name: string; isBad?: boolean | undefined } = { name: '' }): string {
  if (isBad) return 'color-bad';
  const index = given.get(name) ?? given.size;
  given.set(name, index);
  return `color-${index % colors}`;
}
