import { formatCount } from '../format.ts';
import { say } from '../language.ts';
import type { SecondBook } from '../live/second-book.ts';
import { TimeChart } from '../parts/chart.tsx';
import type { Series } from '../parts/chart-scale.ts';

interface NowChartsProps {
  book: SecondBook;
  /** Changes with what is in the book: what keeps its properties is not rendered again. */
  at: string | undefined;
  seconds: number;
}

/** Purchases, results and events of each second, below each other, so that a moment is at one place in all of them. */
export function NowCharts({ book, seconds }: NowChartsProps) {
  if (book.isEmpty) return <div class="charts" />;
  const place = { fromMs: book.fromMs(seconds), stepMs: 1_000, steps: seconds };
  const failed = { name: say('state.FAILED'), values: book.listOfAll('failed', seconds), isBad: true };
  const charts: [title: string, series: Series[]][] = [
    [say('now.purchasesBySource'), book.listBySource('purchases', seconds)],
    [say('now.resultsBySource'), [...book.listBySource('instances', seconds), failed]],
    [say('now.eventsPublished'), [{ name: say('now.events'), values: book.listEvents(seconds) }]],
  ];
  const format = (value: number) => say('now.rate', { rate: formatCount(value) });
  return (
    <div class="charts">
      {charts.map(([title, series]) => (
        <TimeChart
          key={title}
          kind="lines"
          legend="latest"
          group="now"
          {...{ title, format }}
          data={{ ...place, series }}
        />
      ))}
    </div>
  );
}
