import { type Clock, systemClock } from '../../lib/clock.ts';
import { type DelayCount, Delays } from './delays.ts';
import { type PublishedMark, type SecondCount, Seconds } from './seconds.ts';

/** By the database's clock. */
export interface Moment {
  atMs: number;
  /** Everything that started before this has been committed or rolled back. */
  endedMs: number;
  /** The highest id of instance_logs that the sequence has issued. */
  lastId: string;
}

export interface Span {
  fromSecond: number;
  toSecond: number;
  /** Rows up to this id are older; undefined: to be determined. */
  afterId: string | undefined;
  lastId: string;
}

export interface SecondRows {
  /** Read first: rows that the later queries miss were committed afterwards. */
  readMoment(): Promise<Moment>;
  countPurchases(span: Span): Promise<SecondCount[]>;
  countSettled(fromSecond: number): Promise<SecondCount[]>;
  countDelays(fromSecond: number): Promise<DelayCount[]>;
  /** Reads the marks from `fromSecond` on, and the newest one before it. */
  readMarks(fromSecond: number): Promise<PublishedMark[]>;
}

export const maxSeconds = 900;
export const delaySeconds = 60;
/** One count serves all callers for this long. */
export const freshMs = 900;
/** After a longer gap, starting over is cheaper than catching up. */
const restartAfterMs = 60_000;

interface CountState {
  moment: Moment;
  fromSecond: number;
  /** Seconds before this are final. */
  finalSecond: number;
  /** From earlier counts: an id and a time by which it had been issued. Later work has higher ids. */
  drawn: readonly { id: string; byMs: number }[];
}

/**
 * Counts the last seconds from the stores. Each count covers only the seconds that another commit may still
 * change: some of 15,000 rows each, whatever the size of the table. Idle without listeners.
 */
export class SecondCounter {
  readonly seconds = new Seconds();
  readonly delays = new Delays();
  readonly #rows: SecondRows;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #last: CountState | undefined;
  #countedMs = Number.NEGATIVE_INFINITY;
  #counting: Promise<CountState> | undefined;

  constructor(rows: SecondRows, clock: Pick<Clock, 'monotonicMs'> = systemClock) {
    this.#rows = rows;
    this.#clock = clock;
  }

  /**
   * Counts, at most once a second and never concurrently.
   * @throws the database's error
   */
  async count(length: number): Promise<Moment> {
    while (this.#counting) await this.#counting.catch(() => {});
    const isFresh = this.#clock.monotonicMs() - this.#countedMs < freshMs;
    if (this.#last && isFresh && reachesBack(this.#last, this.#last.moment, length)) return this.#last.moment;
    const startedMs = this.#clock.monotonicMs();
    this.#counting = this.#count(length);
    try {
      this.#last = await this.#counting;
      this.#countedMs = startedMs;
      return this.#last.moment;
    } finally {
      this.#counting = undefined;
    }
  }

  async #count(length: number): Promise<CountState> {
    const rows = this.#rows;
    const moment = await rows.readMoment();
    const toSecond = Math.floor(moment.atMs / 1000);
    const last = this.#last && canContinue(this.#last, moment, length) ? this.#last : undefined;
    const fromSecond = last?.finalSecond ?? toSecond - length;
    const drawn = last ? noteDrawn(last, moment) : [];
    const older = drawn.find(({ byMs }) => byMs <= fromSecond * 1000);
    const span = { fromSecond, toSecond, afterId: older?.id, lastId: moment.lastId };
    const purchases = await rows.countPurchases(span);
    const settled = await rows.countSettled(fromSecond);
    const marks = await rows.readMarks(fromSecond);
    const delaysFrom = Math.max(fromSecond, toSecond - delaySeconds);
    const delays = await rows.countDelays(last ? delaysFrom : toSecond - delaySeconds);

    this.seconds.replace(last ? fromSecond : 0, [...purchases, ...settled], marks);
    this.seconds.forgetBefore(toSecond - maxSeconds);
    this.delays.replace(last ? delaysFrom : 0, delays);
    this.delays.forgetBefore(toSecond - delaySeconds);
    return {
      moment,
      fromSecond: Math.max(last?.fromSecond ?? fromSecond, toSecond - maxSeconds),
      finalSecond: Math.max(last?.finalSecond ?? 0, Math.min(toSecond, Math.floor(moment.endedMs / 1000))),
      drawn,
    };
  }
}

function canContinue(last: CountState, moment: Moment, length: number): boolean {
  const passedMs = moment.atMs - last.moment.atMs;
  return passedMs >= 0 && passedMs < restartAfterMs && reachesBack(last, moment, length);
}

function reachesBack({ fromSecond }: CountState, { atMs }: Moment, length: number): boolean {
  return fromSecond <= Math.floor(atMs / 1000) - length;
}

/** Keep from the newest entry that precedes all seconds that are not final. */
function noteDrawn({ drawn, moment: before, finalSecond }: CountState, moment: Moment): CountState['drawn'] {
  const all = [...drawn, { id: before.lastId, byMs: moment.atMs }];
  const usable = all.findLastIndex(({ byMs }) => byMs <= finalSecond * 1000);
  return usable < 0 ? all : all.slice(usable);
}
