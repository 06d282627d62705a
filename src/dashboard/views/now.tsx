import { useEffect, useRef, useState } from 'preact/hooks';
import type { Now, NowRest } from '../../api/answers.ts';
import { formatDuration } from '../format.ts';
import { say } from '../language.ts';
import { findRest, followNow } from '../live/follow-now.ts';
import { SecondBook } from '../live/second-book.ts';
import { Select } from '../parts/field.tsx';
import { Head } from '../parts/head.tsx';
import { Failure } from '../parts/notice.tsx';
import type { View } from '../views.ts';
import { NowCharts } from './now-charts.tsx';
import { BySource, Health, LastAudit } from './now-tables.tsx';
import { NowTiles } from './now-tiles.tsx';

const windows = [60, 300, 900] as const;

/** What is known: all of it, or what a server without its database still reports. */
export interface Known {
  now: Now | undefined;
  rest: NowRest | undefined;
  /** Of the last answer that had them. */
  stores: NowRest['stores'];
  audit: Now['audit'] | undefined;
}

const nothing: Known = { now: undefined, rest: undefined, stores: [], audit: undefined };

/** What happens this minute: does everything that is bought become an instance, and where does it wait. */
const NowView: View = () => {
  const book = useRef(new SecondBook()).current;
  const [seconds, setSeconds] = useState(300);
  const [known, setKnown] = useState<Known>(nothing);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const stop = new AbortController();
    const onNow = (now: Now) => {
      book.take(now);
      setError(undefined);
      setKnown({ now, rest: now, stores: now.stores, audit: now.audit });
    };
    const onFailure = (reason: unknown) => {
      const rest = findRest(reason);
      setError(reason);
      setKnown(({ stores, audit }) => {
        const unknown = stores.map((store) => ({ ...store, ok: null, why: null }));
        return { now: undefined, rest, stores: rest?.stores ?? unknown, audit };
      });
    };
    followNow({ onNow, onFailure }, stop.signal);
    return () => stop.abort();
  }, []);
  const options = windows.map(
    (window) => [String(window), say('now.last', { duration: formatDuration(window * 1_000) })] as const,
  );
  return (
    <>
      <Head title={say('now.title')}>
        <Select
          id="window"
          aria-label={say('now.window')}
          options={options}
          chosen={String(seconds)}
          onChange={(event) => setSeconds(Number(event.currentTarget.value))}
        />
      </Head>
      <Failure error={error} />
      <Health known={known} />
      <NowTiles book={book} now={known.now} seconds={seconds} />
      <NowCharts book={book} at={known.now?.at} seconds={seconds} />
      <div class="panels">
        <BySource totals={book.countBySource(seconds)} seconds={seconds} />
        <LastAudit known={known} />
      </div>
    </>
  );
};

export const show = (): View => NowView;
