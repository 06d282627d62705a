import { Readable } from 'node:stream';

/** How soon a browser comes back after a cut. */
const retryMs = 2_000;

/**
 * Server-sent events to one listener. One that does not read misses what is sent meanwhile, so it holds one event of ours
 * at most, besides what its connection takes; and is left after `patienceMs`.
 */
export class EventStream extends Readable {
  readonly #patienceMs: number;
  #wantsMore = false;
  #isOver = false;
  #deafSinceMs: number | undefined;

  constructor(patienceMs = 30_000) {
    super({ highWaterMark: 1 });
    this.#patienceMs = patienceMs;
    this.push(`retry: ${retryMs}\n\n`);
  }

  override _read(): void {
    this.#wantsMore = true;
    this.#deafSinceMs = undefined;
  }

  tell(event: string, json: string): void {
    this.#offer(`event: ${event}\ndata: ${json}\n\n`);
  }

  /** Keeps the connection open while there is nothing to tell. */
  beat(): void {
    this.#offer(': still here\n\n');
  }

  end(): void {
    if (!this.#isOver) this.push(null);
    this.#isOver = true;
  }

  #offer(text: string): void {
    if (this.#isOver) return;
    if (this.#wantsMore) {
      this.#wantsMore = this.push(text);
      return;
    }
    this.#deafSinceMs ??= performance.now();
    if (performance.now() - this.#deafSinceMs > this.#patienceMs) this.destroy();
  }
}
