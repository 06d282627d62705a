/** A blocking read names each of its streams, and its cost for the server grows with their number. */
const maxBusy = 200;
const busyForMs = 60_000;

/**
 * The streams on which the group exists. Few are busy: those are polled continuously. The others share one
 * long blocking read, and become busy when it returns entries.
 */
export class KnownStreams {
  /** Oldest activity first; a Map keeps its order. */
  readonly #busy = new Map<string, number>();
  readonly #quiet = new Set<string>();
  /**
   * Quiet streams that are not part of the long read in progress; meanwhile they are read with the busy ones.
   */
  readonly #unwatched = new Set<string>();
  #order: string[] = [];
  readonly #turns = { 'take over': 0, trim: 0 };

  has(stream: string): boolean {
    return this.#busy.has(stream) || this.#quiet.has(stream);
  }

  add(stream: string, nowMs: number): void {
    if (this.has(stream)) return;
    if (this.#busy.size < maxBusy) this.#busy.set(stream, nowMs);
    else this.#makeQuiet(stream);
    this.#order.push(stream);
  }

  delete(stream: string): void {
    if (!this.#remove(stream)) return;
    this.#order = this.#order.filter((other) => other !== stream);
  }

  markBusy(streams: readonly string[], nowMs: number): void {
    for (const stream of streams) {
      if (!this.#remove(stream)) continue;
      this.#busy.set(stream, nowMs);
    }
    this.#demoteQuiet(nowMs);
  }

  busy(nowMs: number): string[] {
    this.#demoteQuiet(nowMs);
    return [...this.#busy.keys(), ...this.#unwatched];
  }

  get hasUnwatched(): boolean {
    return this.#unwatched.size > 0;
  }

  /** The streams for a long read that names all quiet ones. */
  watchQuiet(): string[] {
    this.#unwatched.clear();
    return [...this.#quiet];
  }

  all(): string[] {
    return [...this.#order];
  }

  /** The next `count` streams in rotation: upkeep handles so many at a time. */
  takeTurn(work: 'take over' | 'trim', count: number): string[] {
    if (this.#order.length <= count) return this.all();
    const from = this.#turns[work] % this.#order.length;
    const turn = this.#order.slice(from, from + count);
    turn.push(...this.#order.slice(0, count - turn.length));
    this.#turns[work] = from + count;
    return turn;
  }

  /** Runs only above the limit of busy streams, or once others are quiet: a few busy streams cost nothing. */
  #demoteQuiet(nowMs: number): void {
    for (const [stream, activeAtMs] of this.#busy) {
      const isTooMany = this.#busy.size > maxBusy;
      const isOver = this.#quiet.size > 0 && nowMs - activeAtMs > busyForMs;
      if (!isTooMany && !isOver) return;
      this.#busy.delete(stream);
      this.#makeQuiet(stream);
    }
  }

  #makeQuiet(stream: string): void {
    this.#quiet.add(stream);
    this.#unwatched.add(stream);
  }

  #remove(stream: string): boolean {
    this.#unwatched.delete(stream);
    return this.#busy.delete(stream) || this.#quiet.delete(stream);
  }
}
