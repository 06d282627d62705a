import type { Now } from '../../api/answers.ts';
import { make } from '../element.ts';
import { formatDuration, formatRate, formatShare } from '../format.ts';
import { say } from '../language.ts';
import type { SecondBook } from '../live/second-book.ts';
import { Tile } from '../parts/tile.ts';

/** One second alone jumps about. */
const rateSeconds = 5;

/** The figures of this moment, each with the time that it is of. */
export class NowTiles {
  readonly #tiles = {
    purchases: new Tile(say('now.purchases'), say('now.perSecond')),
    instances: new Tile(say('now.succeeded'), say('now.perSecond')),
    failed: new Tile(say('state.FAILED'), say('now.perSecond')),
    rate: new Tile(say('now.successRate'), ''),
    events: new Tile(say('now.events'), say('now.perSecond')),
    p50: new Tile(say('now.delayHalf'), say('now.delayHint')),
    p99: new Tile(say('now.delayMost'), say('now.delayHint')),
  };
  readonly element = make(
    'div',
    { class: 'tiles' },
    ...Object.values(this.#tiles).map((tile) => tile.element),
  );

  /** `now` undefined: the figures are unknown at this moment, and older ones are not shown in their place. */
  show(book: SecondBook, now: Now | undefined, seconds: number): void {
    const tiles = this.#tiles;
    tiles.rate.hint(say('now.ofSettled', { duration: formatDuration(seconds * 1_000) }));
    if (!now) {
      for (const tile of Object.values(tiles)) tile.forget();
      return;
    }
    // What the stream sums up is of its few seconds alone, so sums come from the book.
    for (const figure of ['purchases', 'instances', 'failed'] as const) {
      const rate = book.rateOf(figure, rateSeconds);
      tiles[figure].show(Number.isNaN(rate) ? '–' : formatRate(rate), figure === 'failed' && rate > 0);
    }
    const events = book.listEvents(rateSeconds).filter(Number.isFinite);
    tiles.events.show(events.length === 0 ? '–' : formatRate(sum(events) / events.length));
    const window = book.countBySource(seconds);
    const success = sum(window.map(({ instances }) => instances));
    tiles.rate.show(formatShare(success, success + sum(window.map(({ failed }) => failed))));
    tiles.p50.show(now.delay ? formatDuration(now.delay.p50Ms) : '–');
    tiles.p99.show(now.delay ? formatDuration(now.delay.p99Ms) : '–');
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
