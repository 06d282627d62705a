import { type Clock, systemClock } from '../../lib/clock.ts';
import { keepAnswer } from '../../lib/keep-answer.ts';
import { delaySeconds, freshMs, SecondCounter, type SecondRows } from './count-seconds.ts';
import {
  type Backlog,
  describeSources,
  type LastAudit,
  type Now,
  type NowRest,
  type OpenInstances,
  type StoreState,
} from './now.ts';

export interface NowRows extends SecondRows {
  countOpen(): Promise<OpenInstances>;
  countOutbox(): Promise<Backlog>;
  countParked(): Promise<Backlog>;
  readLastAudit(): Promise<LastAudit | undefined>;
}

export interface NowDeps {
  rows: NowRows;
  /** Fails while that store is unavailable: the other figures matter the more then. */
  readStreamBacklog: () => Promise<Backlog>;
  readStores: () => Promise<StoreState[]>;
  isIntakePaused: () => boolean;
  clock?: Pick<Clock, 'monotonicMs'>;
}

/** What waits may be much, and then to count it takes long. */
const waitingShareOfTime = 0.1;

/** Answers from one count for all who ask within a second. */
export class NowWatch {
  readonly #counter: SecondCounter;
  readonly #isIntakePaused: () => boolean;
  readonly #readOpen: () => Promise<OpenInstances>;
  readonly #readRows: () => Promise<Record<'outbox' | 'parked', Backlog>>;
  readonly #readAudit: () => Promise<LastAudit | null>;
  readonly #readStream: () => Promise<Backlog>;
  readonly #readStores: () => Promise<StoreState[]>;

  constructor({ rows, readStreamBacklog, readStores, isIntakePaused, clock = systemClock }: NowDeps) {
    this.#counter = new SecondCounter(rows, clock);
    this.#isIntakePaused = isIntakePaused;
    const seldom = { forMs: freshMs, shareOfTime: waitingShareOfTime, clock };
    this.#readOpen = keepAnswer(() => rows.countOpen(), seldom);
    this.#readRows = keepAnswer(
      async () => ({ outbox: await rows.countOutbox(), parked: await rows.countParked() }),
      seldom,
    );
    this.#readStream = keepAnswer(readStreamBacklog, seldom);
    const fresh = { forMs: freshMs, clock };
    this.#readAudit = keepAnswer(async () => (await rows.readLastAudit()) ?? null, fresh);
    this.#readStores = keepAnswer(readStores, fresh);
  }

  /** The last `seconds` whole ones, up to maxSeconds. @throws the database's error */
  async read(seconds: number): Promise<Now> {
    const { bySource, ...processing } = await this.#readOpen();
    const { outbox, parked } = await this.#readRows();
    const audit = await this.#readAudit();
    const { stores, waiting } = await this.readRest();
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
      sources: describeSources(series, bySource),
      delay: this.#counter.delays.figures(end - delaySeconds, end) ?? null,
      waiting: [
        ...waiting,
        { what: 'outbox', ...outbox },
        { what: 'processing', ...processing },
        { what: 'parked', ...parked },
      ],
      stores,
      intakePaused: this.#isIntakePaused(),
      audit,
    };
  }

  /** Which store is unavailable, and what waits outside of the database. */
  async readRest(): Promise<NowRest> {
    const stream = await this.#readStream().catch(() => ({ count: null, oldestAt: null }));
    return { waiting: [{ what: 'stream', ...stream }], stores: await this.#readStores() };
  }
}
