import type { Now } from '../answers.ts';
import { make } from '../element.ts';
import { formatCount, formatDuration, formatRate, formatShare } from '../format.ts';
import { say } from '../language.ts';
import { followNow } from '../live/follow-now.ts';
import { SecondBook } from '../live/second-book.ts';
import { TimeChart } from '../parts/chart.ts';
import { makeSelect } from '../parts/field.ts';
import { Notice } from '../parts/notice.ts';
import { Tile } from '../parts/tile.ts';
import { NowTables } from './now-tables.ts';
import type { View } from './view.ts';

const windows = [60, 300, 900] as const;
/** One second alone jumps about. */
const rateSeconds = 5;

/** What happens this minute: does everything that is bought become an instance, and where does it wait. */
export const showNow: View = (place, _, signal) => {
  const book = new SecondBook();
  const notice = new Notice();
  const tiles = makeTiles();
  const charts = makeCharts();
  const tables = new NowTables();
  let seconds: number = 300;
  let latest: Now | undefined;

  const redraw = () => {
    if (!latest) return;
    const place = { fromMs: book.fromMs(seconds), stepMs: 1_000, steps: seconds };
    for (const figure of ['purchases', 'instances'] as const) {
      charts[figure].show({ ...place, series: book.listBySource(figure, seconds) });
    }
    charts.events.show({ ...place, series: [{ name: say('now.events'), values: book.listEvents(seconds) }] });
    showTiles(tiles, book, latest, seconds);
    tables.show(latest, book.countBySource(seconds));
  };
  const choose = makeSelect(
    { id: 'window', 'aria-label': say('now.window') },
    windows.map((window) => [String(window), say('now.last', { duration: formatDuration(window * 1_000) })]),
    String(seconds),
  );
  choose.addEventListener('change', () => {
    seconds = Number(choose.value);
    redraw();
  });

  place.append(
    make('div', { class: 'head' }, make('h1', { tabindex: -1 }, say('now.title')), choose),
    notice.element,
    make('div', { class: 'tiles' }, ...Object.values(tiles).map((tile) => tile.element)),
    make('div', { class: 'charts' }, ...Object.values(charts).map((chart) => chart.element)),
    tables.element,
  );

  return new Promise((resolve) => {
    const onNow = (now: Now) => {
      latest = now;
      book.take(now);
      notice.clear();
      redraw();
      resolve(undefined);
    };
    const onFailure = (error: unknown) => {
      notice.fail(error);
      resolve(undefined);
    };
    followNow({ onNow, onFailure }, signal);
  });
};

function makeTiles() {
  return {
    purchases: new Tile(say('now.purchases'), say('now.perSecond')),
    instances: new Tile(say('now.instances'), say('now.perSecond')),
    events: new Tile(say('now.events'), say('now.perSecond')),
    rate: new Tile(say('now.successRate'), say('now.ofSettled')),
    p50: new Tile(say('now.delayHalf'), say('now.delayHint')),
    p99: new Tile(say('now.delayMost'), say('now.delayHint')),
  };
}

function makeCharts() {
  const format = (value: number) => say('now.rate', { rate: formatCount(value) });
  return {
    purchases: new TimeChart({ title: say('now.purchasesBySource'), kind: 'area', format }),
    instances: new TimeChart({ title: say('now.instancesBySource'), kind: 'area', format }),
    events: new TimeChart({ title: say('now.eventsAnnounced'), kind: 'area', format }),
  };
}

/** What the stream sums up is of its few seconds alone, so sums come from the book. */
function showTiles(
  tiles: ReturnType<typeof makeTiles>,
  book: SecondBook,
  { delay }: Now,
  seconds: number,
): void {
  for (const figure of ['purchases', 'instances'] as const) {
    const rate = book.rateOf(figure, rateSeconds);
    tiles[figure].show(Number.isNaN(rate) ? '–' : formatRate(rate));
  }
  const events = book.listEvents(rateSeconds).filter(Number.isFinite);
  tiles.events.show(events.length === 0 ? '–' : formatRate(sum(events) / events.length));
  const window = book.countBySource(seconds);
  const success = sum(window.map(({ instances }) => instances));
  tiles.rate.show(formatShare(success, success + sum(window.map(({ failed }) => failed))));
  tiles.p50.show(delay ? formatDuration(delay.p50Ms) : '–');
  tiles.p99.show(delay ? formatDuration(delay.p99Ms) : '–');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
