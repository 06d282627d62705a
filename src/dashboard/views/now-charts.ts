import { make } from '../element.ts';
import { formatCount } from '../format.ts';
import { say } from '../language.ts';
import type { SecondBook } from '../live/second-book.ts';
import { TimeChart } from '../parts/chart.ts';

/** Purchases, results and events of each second. What failed lies on top of what succeeded, in the colour of failure. */
export class NowCharts {
  readonly #purchases = makeChart(say('now.purchasesBySource'));
  readonly #results = makeChart(say('now.resultsBySource'));
  readonly #events = makeChart(say('now.eventsPublished'));
  readonly element = make(
    'div',
    { class: 'charts' },
    this.#purchases.element,
    this.#results.element,
    this.#events.element,
  );

  show(book: SecondBook, seconds: number): void {
    if (book.isEmpty) return;
    const place = { fromMs: book.fromMs(seconds), stepMs: 1_000, steps: seconds };
    this.#purchases.show({ ...place, series: book.listBySource('purchases', seconds) });
    const failed = { name: say('state.FAILED'), values: book.listOfAll('failed', seconds), isBad: true };
    this.#results.show({ ...place, series: [...book.listBySource('instances', seconds), failed] });
    const events = { name: say('now.events'), values: book.listEvents(seconds) };
    this.#events.show({ ...place, series: [events] });
  }
}

function makeChart(title: string): TimeChart {
  const format = (value: number) => say('now.rate', { rate: formatCount(value) });
  return new TimeChart({ title, kind: 'area', format, legend: 'latest' });
}
