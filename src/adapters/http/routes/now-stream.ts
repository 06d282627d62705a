import { Readable } from 'node:stream';

/** Delay after which a browser reconnects. */
const retryMs = 2_000;

/**
 * Server-sent events for one listener. A listener that does not read misses events: at most one of them is
 * buffered in addition to the connection's own buffer, and after `patienceMs` the stream is closed.
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

  send(event: string, json: string): void {
    this.#offer(`event: ${event}\ndata: ${json}\n\n`);
  }

  /** Keeps the connection open while there are no events. */
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
