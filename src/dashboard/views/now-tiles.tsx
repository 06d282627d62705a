import type { Now } from '../../api/answers.ts';
import { formatDuration, formatRate, formatShare } from '../format.ts';
import { say } from '../language.ts';
import type { Figure, SecondBook } from '../live/second-book.ts';
import { Tile } from '../parts/tile.tsx';
import { writeRoute } from '../route.ts';

/** One second alone jumps about. */
const rateSeconds = 5;

interface TilesProps {
  book: SecondBook;
  /** undefined: the figures are unknown at this moment. */
  now: Now | undefined;
  seconds: number;
}

/** The figures of this moment, each with the time that it is of and a link to the list behind it. */
export function NowTiles({ book, now, seconds }: TilesProps) {
  const rate = (figure: Figure) => (now ? book.rateOf(figure, rateSeconds) : Number.NaN);
  const show = (value: number) => (Number.isNaN(value) ? undefined : formatRate(value));
  const window = now ? book.countBySource(seconds) : [];
  const success = sum(window.map(({ instances }) => instances));
  const failed = sum(window.map(({ failed }) => failed));
  const events = now ? book.listEvents(rateSeconds).filter(Number.isFinite) : [];
  const ofSettled = say('now.ofSettled', { duration: formatDuration(seconds * 1_000) });
  const delay = (ms: number | undefined) => (ms === undefined ? undefined : formatDuration(ms));
  const perSecond = say('now.perSecond');
  return (
    <div class="tiles">
      <Tile
        title={say('now.purchases')}
        hint={perSecond}
        value={show(rate('purchases'))}
        href={listSince(now, seconds)}
      />
      <Tile
        title={say('now.succeeded')}
        hint={perSecond}
        value={show(rate('instances'))}
        href={listSince(now, seconds, { status: 'SUCCESS' })}
      />
      <Tile
        title={say('state.FAILED')}
        hint={perSecond}
        value={show(rate('failed'))}
        isBad={rate('failed') > 0}
        href={listSince(now, seconds, { status: 'FAILED' })}
      />
      <Tile
        title={say('now.successRate')}
        hint={ofSettled}
        value={now && formatShare(success, success + failed)}
      />
      <Tile
        title={say('now.events')}
        hint={perSecond}
        value={events.length === 0 ? undefined : formatRate(sum(events) / events.length)}
      />
      <Tile title={say('now.delayHalf')} hint={say('now.delayHint')} value={delay(now?.delay?.p50Ms)} />
      <Tile title={say('now.delayMost')} hint={say('now.delayHint')} value={delay(now?.delay?.p99Ms)} />
    </div>
  );
}

/** Instances since the window began, in whole minutes, so that the link does not change under the pointer. */
export function listSince(now: Now | undefined, seconds: number, more: Record<string, string> = {}): string {
  const atMs = now ? Date.parse(now.at) : Date.now();
  const from = new Date(Math.floor((atMs - seconds * 1_000) / 60_000) * 60_000).toISOString();
  return writeRoute('instances', undefined, { ...more, from });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
