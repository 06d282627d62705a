import type { Now } from '../../api/answers.ts';
import { make } from '../element.ts';
import { formatDuration } from '../format.ts';
import { say } from '../language.ts';
import { findRest, followNow } from '../live/follow-now.ts';
import { SecondBook } from '../live/second-book.ts';
import { makeSelect } from '../parts/field.ts';
import { Notice } from '../parts/notice.ts';
import { NowCharts } from './now-charts.ts';
import { NowTables } from './now-tables.ts';
import { NowTiles } from './now-tiles.ts';
import type { View } from './view.ts';

const windows = [60, 300, 900] as const;
/** As in narrow.css: a phone. */
const phone = matchMedia('(width < 30rem)');

/** What happens this minute: does everything that is bought become an instance, and where does it wait. */
export const showNow: View = (place, _, signal) => {
  const book = new SecondBook();
  const notice = new Notice();
  const tiles = new NowTiles();
  const charts = new NowCharts();
  const tables = new NowTables();
  let seconds: number = 300;
  let latest: Now | undefined;

  const redraw = () => {
    charts.show(book, seconds);
    tables.showSources(book.countBySource(seconds), seconds);
    tiles.show(book, latest, seconds);
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
  );
  // In the document and not by CSS, so that the keyboard and a screen reader meet them in the order that is seen.
  const arrange = () => {
    const figures = [tiles.element, charts.element];
    place.append(...(phone.matches ? [tables.health, ...figures] : [...figures, tables.health]), tables.rest);
  };
  arrange();
  phone.addEventListener('change', arrange, { signal });
  redraw();

  return new Promise((resolve) => {
    const onNow = (now: Now) => {
      latest = now;
      book.take(now);
      notice.clear();
      redraw();
      tables.show(now);
      resolve(undefined);
    };
    const onFailure = (error: unknown) => {
      latest = undefined;
      notice.fail(error);
      redraw();
      tables.showUnavailable(findRest(error));
      resolve(undefined);
    };
    followNow({ onNow, onFailure }, signal);
  });
};
