import { type Clock, systemClock } from '../lib/clock.ts';
import { keepAnswer } from '../lib/keep-answer.ts';
import { delaySeconds, freshMs, SecondCounter, type SecondRows } from './count-seconds.ts';
import {
  type Backlog,
  type LastAudit,
  type Now,
  type OpenInstances,
  type StoreState,
  tellSources,
} from './now.ts';

export interface NowRows extends SecondRows {
  countOpen(): Promise<OpenInstances>;
  countFrames(): Promise<Backlog>;
  countParked(): Promise<Backlog>;
  readLastAudit(): Promise<LastAudit | undefined>;
}

export interface NowParts {
  rows: NowRows;
  readStreamBacklog: () => Promise<Backlog>;
  readStores: () => Promise<StoreState[]>;
  isIntakeHeld: () => boolean;
  clock?: Pick<Clock, 'monotonicMs'>;
}

/** What waits may be much, and then to count it takes long. */
const waitingShareOfTime = 0.1;

/** Answers from one count for all who ask within a second. */
export class NowWatch {
  readonly #counter: SecondCounter;
  readonly #isIntakeHeld: () => boolean;
  readonly #readOpen: () => Promise<OpenInstances>;
  readonly #readBacklogs: () => Promise<Record<'stream' | 'frames' | 'parked', Backlog>>;
  readonly #readHealth: () => Promise<{ stores: StoreState[]; audit: LastAudit | null }>;

  constructor({ rows, readStreamBacklog, readStores, isIntakeHeld, clock = systemClock }: NowParts) {
    this.#counter = new SecondCounter(rows, clock);
    this.#isIntakeHeld = isIntakeHeld;
    const seldom = { forMs: freshMs, shareOfTime: waitingShareOfTime, clock };
    this.#readOpen = keepAnswer(() => rows.countOpen(), seldom);
    this.#readBacklogs = keepAnswer(
      async () => ({
        stream: await readStreamBacklog(),
        frames: await rows.countFrames(),
        parked: await rows.countParked(),
      }),
      seldom,
    );
    this.#readHealth = keepAnswer(
      async () => ({ stores: await readStores(), audit: (await rows.readLastAudit()) ?? null }),
      { forMs: freshMs, clock },
    );
  }

  /** The last `seconds` whole ones, up to maxSeconds. @throws the database's error */
  async read(seconds: number): Promise<Now> {
    const { bySource, ...processing } = await this.#readOpen();
    const { stream, frames, parked } = await this.#readBacklogs();
    const { stores, audit } = await this.#readHealth();
    const { atMs } = await this.#counter.look(seconds);
    const end = Math.floor(atMs / 1000);
    const from = end - seconds;
    const series = this.#counter.seconds.series(from, seconds);
    return {
      at: new Date(atMs),
      from: new Date(from * 1000),
      seconds,
      series,
      events: this.#counter.seconds.events(from, seconds),
      sources: tellSources(series, bySource),
      delay: this.#counter.delays.figures(end - delaySeconds, end) ?? null,
      waiting: [
        { what: 'stream', ...stream },
        { what: 'frames', ...frames },
        { what: 'processing', ...processing },
        { what: 'parked', ...parked },
      ],
      stores,
      intakeHeld: this.#isIntakeHeld(),
      audit,
    };
  }
}
