import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { formatCompact, formatCount, formatTime } from '../format.ts';
import { say } from '../language.ts';
import { colorOf, resolveColor, watchScheme } from './chart-colors.ts';
import { type ChartData, placeValues, type Scale, scaleFor, sumKnown, sumUp } from './chart-scale.ts';
import { Table } from './table.tsx';

interface ChartProps {
  title: string;
  kind: 'lines' | 'bars';
  /** How one value reads, such as `12 /s`. */
  format: (value: number) => string;
  /** What the legend says while no moment is pointed at: a count is added up, a rate is not. */
  legend: 'latest' | 'total';
  data: ChartData;
  /** Whether a table of the same is offered below. */
  isTabled?: boolean;
  /** Charts of one group show the same moment under the pointer. */
  group?: string;
}

const height = 150;
const axisWidth = 46;
const maxTableRows = 30;
const dayMs = 86_400_000;

/** Counts over time, by name. Under the pointer the legend shows that moment, in every chart of the group. */
export function TimeChart({ title, kind, format, legend, data, isTabled = true, group }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<number>();
  const scale = scaleFor(data.series, kind === 'bars');
  const drawn = useRef<{ plot: uPlot; key: string }>();
  const latest = useRef({ data, scale });
  latest.current = { data, scale };

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const key = [kind, ...data.series.map(({ name }) => name)].join('\n');
    if (drawn.current?.key !== key) {
      drawn.current?.plot.destroy();
      const options = { kind, group, latest, setPointed, width: element.clientWidth };
      drawn.current = { key, plot: new uPlot(plotOptions(options), toAligned(data, scale, kind), element) };
    } else drawn.current.plot.setData(toAligned(data, scale, kind));
  });
  useEffect(() => {
    const resizing = new ResizeObserver(([entry]) => {
      if (entry) drawn.current?.plot.setSize({ width: entry.contentRect.width, height });
    });
    if (place.current) resizing.observe(place.current);
    const unwatch = watchScheme(() => drawn.current?.plot.redraw(false, true));
    return () => {
      resizing.disconnect();
      unwatch();
      drawn.current?.plot.destroy();
    };
  }, []);

  const { fromMs, stepMs, steps, series } = data;
  const isTotal = pointed === undefined && legend === 'total';
  const shown = Math.min(pointed ?? steps - 1, steps - 1);
  const at = new Date(fromMs + shown * stepMs);
  const sums = series.map(({ name, values }) => `${name} ${formatKnown(sumKnown(values))}`).join(', ');
  const from = formatTime(new Date(fromMs));
  const to = formatTime(new Date(fromMs + steps * stepMs));
  return (
    <figure class="chart">
      <figcaption>
        <span class="title">
          {title} {scale.isLogarithmic && <span class="soft">({say('chart.logarithmic')})</span>}
        </span>
        <span class="moment">
          {pointed === undefined ? say(`chart.${legend}`) : formatTime(at, { isDateShown: stepMs >= 60_000 })}
        </span>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={say('chart.summary', { title, from, to, sums })} />
      <ul class="legend">
        {series.map(({ name, values, isBad }) => {
          const value = isTotal ? sumKnown(values) : (values[shown] ?? Number.NaN);
          return (
            <li key={name}>
              <Swatch color={colorOf(name, isBad)} />
              {name}
              <span class="number">{Number.isFinite(value) ? format(value) : '–'}</span>
            </li>
          );
        })}
      </ul>
      {isTabled && <ChartTable title={title} data={data} />}
    </figure>
  );
}

/** The policy of the page forbids style attributes. */
function Swatch({ color }: { color: string }) {
  return <span class="swatch" ref={(swatch) => swatch?.style.setProperty('--swatch', `var(--${color})`)} />;
}

/** Made when it is opened: a table that moves under the reader cannot be read. */
function ChartTable({ title, data }: { title: string; data: ChartData }) {
  const [opened, setOpened] = useState<ChartData>();
  const toggle = (event: Event) =>
    setOpened((event.currentTarget as HTMLDetailsElement).open ? data : undefined);
  return (
    <details onToggle={toggle}>
      <summary>{say('chart.table')}</summary>
      {opened && <OpenTable title={title} data={opened} />}
    </details>
  );
}

function OpenTable({ title, data: { fromMs, stepMs, series } }: { title: string; data: ChartData }) {
  const columns = series.map(({ name, values }) => ({ name, ...sumUp(values, maxTableRows) }));
  const rowMs = (columns[0]?.size ?? 1) * stepMs;
  const head = {
    title: say('chart.from'),
    isHead: true,
    cell: (i: number) => formatTime(new Date(fromMs + i * rowMs), { isDateShown: rowMs >= 60_000 }),
  };
  const counts = columns.map(({ name, sums }) => ({
    title: name,
    isNumber: true,
    cell: (i: number) => formatKnown(sums[i] ?? 0),
  }));
  const rows = (columns[0]?.sums ?? []).map((_, i) => i).reverse();
  return <Table caption={title} columns={[head, ...counts]} rows={rows} empty={say('chart.none')} />;
}

function formatKnown(count: number): string {
  return Number.isNaN(count) ? '–' : formatCount(count);
}

interface PlotOptions {
  kind: ChartProps['kind'];
  group: string | undefined;
  width: number;
  latest: { current: { data: ChartData; scale: Scale } };
  setPointed: (i: number | undefined) => void;
}

function plotOptions({ kind, group, width, latest, setPointed }: PlotOptions): uPlot.Options {
  const soft = () => resolveColor('soft');
  const grid = { stroke: () => resolveColor('line'), width: 1 };
  const font = '11px system-ui, sans-serif';
  const stacked = kind === 'bars' ? [...latest.current.data.series].reverse() : latest.current.data.series;
  return {
    width,
    height,
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { show: kind === 'lines' },
      ...(group ? { sync: { key: group } } : {}),
    },
    scales: {
      // A bar stands to the right of its time: the last one needs room.
      x: { range: (_, from, to) => [from, to + (kind === 'bars' ? latest.current.data.stepMs / 1_000 : 0)] },
      y: { range: () => [0, latest.current.scale.top] },
    },
    axes: [
      {
        stroke: soft,
        grid: { show: false },
        ticks: grid,
        font,
        size: 28,
        values: (_, splits) => splits.map(nameTime(latest.current.data)),
      },
      {
        ...{ stroke: soft, grid, ticks: { show: false }, font, size: axisWidth },
        splits: () => latest.current.scale.splits,
        values: (_, splits) => splits.map((split) => formatCompact(latest.current.scale.valueAt(split))),
      },
    ],
    series: [
      {},
      ...stacked.map(({ name, isBad }) => {
        const color = () => resolveColor(colorOf(name, isBad));
        const bars = kind === 'bars' || isBad;
        return {
          stroke: color,
          ...(bars
            ? {
                fill: color,
                paths: uPlot.paths.bars?.({ size: [1, 40], align: 1, gap: 1 }) as uPlot.Series.PathBuilder,
                width: 0,
              }
            : { width: 1.5, paths: uPlot.paths.linear?.() as uPlot.Series.PathBuilder }),
          points: { show: false },
          spanGaps: false,
        };
      }),
    ],
    hooks: { setCursor: [({ cursor }) => setPointed(cursor.idx ?? undefined)] },
  };
}

/** uPlot's columns: seconds first; null is a gap. Bars stand on top of each other, so the widest sum is drawn first. */
function toAligned(
  { fromMs, stepMs, steps, series }: ChartData,
  scale: Scale,
  kind: ChartProps['kind'],
): uPlot.AlignedData {
  const times = Array.from({ length: steps }, (_, i) => (fromMs + i * stepMs) / 1_000);
  return [times, ...placeValues(series, scale, kind === 'bars')];
}

function nameTime({ stepMs, steps }: ChartData): (seconds: number) => string {
  const spanMs = stepMs * steps;
  return (seconds) => {
    const text = formatTime(new Date(seconds * 1_000));
    if (spanMs > 2 * dayMs) return text.slice(5, 10);
    return spanMs <= 600_000 ? text.slice(11) : text.slice(11, 16);
  };
}
