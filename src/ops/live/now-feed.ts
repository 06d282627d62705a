import { pause } from '../../lib/backoff.ts';
import type { Now, NowRest } from './now.ts';

export type NowNews = { now: Now } | { failure: unknown; rest: NowRest };
type NowListener = (news: NowNews) => void;

interface NowFeedOptions {
  maxListeners: number;
  everyMs?: number;
  patienceMs?: number;
}

/** Reports a database that hangs before the client's own timeout fires. */
const patienceMs = 3_000;

export interface NowReader {
  read(seconds: number): Promise<Now>;
  readRest(): Promise<NowRest>;
}

/** Consecutive messages overlap, so a listener that misses some loses nothing. */
const secondsSent = 10;

/** One feed broadcasts to all listeners once a second; it is idle without listeners. */
export class NowFeed {
  readonly #now: NowReader;
  readonly #options: NowFeedOptions;
  readonly #listeners = new Set<NowListener>();
  #running = new AbortController();

  constructor(now: NowReader, options: NowFeedOptions) {
    this.#now = now;
    this.#options = options;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** @returns the function that stops listening; undefined at the limit of listeners */
  listen(listener: NowListener): (() => void) | undefined {
    if (this.#listeners.size >= this.#options.maxListeners) return undefined;
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      this.#running = new AbortController();
      void this.#broadcast(this.#running.signal);
    }
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#running.abort();
    };
  }

  async #broadcast(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedMs = performance.now();
      const news = await this.#read();
      if (signal.aborted) return;
      for (const listener of [...this.#listeners]) listener(news);
      await pause(Math.max(0, (this.#options.everyMs ?? 1_000) - (performance.now() - startedMs)), signal);
    }
  }

  async #read(): Promise<NowNews> {
    try {
      return { now: await before(this.#options.patienceMs ?? patienceMs, this.#now.read(secondsSent)) };
    } catch (failure) {
      return { failure, rest: await this.#now.readRest() };
    }
  }
}

/** @throws on timeout; the work continues, and the next caller may find it done */
async function before<T>(deadlineMs: number, work: Promise<T>): Promise<T> {
  const late = new AbortController();
  const tooLate = pause(deadlineMs, late.signal).then(() => {
    throw new Error(`no answer within ${deadlineMs} ms`);
  });
  tooLate.catch(() => {});
  return Promise.race([work, tooLate]).finally(() => late.abort());
}
