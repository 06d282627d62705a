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
  /** Orders that owe a refund. */
  countRefunds(): Promise<Backlog>;
  readLastAudit(): Promise<LastAudit | undefined>;
}

interface NowDeps {
  rows: NowRows;
  /** Fails while that store is unavailable; the other figures are still returned. */
  readStreamBacklog: () => Promise<Backlog>;
  readStores: () => Promise<StoreState[]>;
  isIntakePaused: () => boolean;
  clock?: Pick<Clock, 'monotonicMs'>;
}

/** Counting a large backlog is slow, so it may take at most this share of the time. */
const waitingShareOfTime = 0.1;

/** Serves one count to all callers within a second. */
export class NowWatch {
  readonly #counter: SecondCounter;
  readonly #isIntakePaused: () => boolean;
  readonly #readOpen: () => Promise<OpenInstances>;
  readonly #readRows: () => Promise<Record<'outbox' | 'parked' | 'refunds', Backlog>>;
  readonly #readAudit: () => Promise<LastAudit | null>;
  readonly #readStream: () => Promise<Backlog>;
  readonly #readStores: () => Promise<StoreState[]>;

  constructor({ rows, readStreamBacklog, readStores, isIntakePaused, clock = systemClock }: NowDeps) {
    this.#counter = new SecondCounter(rows, clock);
    this.#isIntakePaused = isIntakePaused;
    const seldom = { forMs: freshMs, shareOfTime: waitingShareOfTime, clock };
    this.#readOpen = keepAnswer(() => rows.countOpen(), seldom);
    this.#readRows = keepAnswer(
      async () => ({
        outbox: await rows.countOutbox(),
        parked: await rows.countParked(),
        refunds: await rows.countRefunds(),
      }),
      seldom,
    );
    this.#readStream = keepAnswer(readStreamBacklog, seldom);
    const fresh = { forMs: freshMs, clock };
    this.#readAudit = keepAnswer(async () => (await rows.readLastAudit()) ?? null, fresh);
    this.#readStores = keepAnswer(readStores, fresh);
  }

  /**
   * Reads the last `seconds` whole seconds, up to maxSeconds.
   * @throws the database's error
   */
  async read(seconds: number): Promise<Now> {
    const { bySource, overdue, ...processing } = await this.#readOpen();
    const { outbox, parked, refunds } = await this.#readRows();
    const audit = await this.#readAudit();
    const { stores, waiting } = await this.readRest();
    const { atMs } = await this.#counter.count(seconds);
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
        { what: 'overdue', ...overdue },
        { what: 'parked', ...parked },
        { what: 'refunds', ...refunds },
      ],
      stores,
      intakePaused: this.#isIntakePaused(),
      audit,
    };
  }

  /** Reads the unavailable stores and the backlogs outside the database. */
  async readRest(): Promise<NowRest> {
    const stream = await this.#readStream().catch(() => ({ count: null, oldestAt: null }));
    return { waiting: [{ what: 'stream', ...stream }], stores: await this.#readStores() };
  }
}
