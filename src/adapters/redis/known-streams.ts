/** A read that waits names each of its streams: the work of the server grows with their number. */
const mostBusy = 200;
const busyForMs = 60_000;

/**
 * The streams that the group has been made on. Few of them are busy: those are read all the time. The others are waited for
 * by one long read, and become busy when it brings something.
 */
export class KnownStreams {
  /** The oldest activity first, as a Map keeps its order. */
  readonly #busy = new Map<string, number>();
  readonly #quiet = new Set<string>();
  /** Quiet ones that the long read under way does not name yet: they are read with the busy ones meanwhile. */
  readonly #unwatched = new Set<string>();
  #order: string[] = [];
  readonly #turns = { 'take over': 0, trim: 0 };

  has(stream: string): boolean {
    return this.#busy.has(stream) || this.#quiet.has(stream);
  }

  add(stream: string, nowMs: number): void {
    if (this.has(stream)) return;
    if (this.#busy.size < mostBusy) this.#busy.set(stream, nowMs);
    else this.#rest(stream);
    this.#order.push(stream);
  }

  delete(stream: string): void {
    if (!this.#remove(stream)) return;
    this.#order = this.#order.filter((other) => other !== stream);
  }

  sawEntriesOn(streams: readonly string[], nowMs: number): void {
    for (const stream of streams) {
      if (!this.#remove(stream)) continue;
      this.#busy.set(stream, nowMs);
    }
    this.#restQuietOnes(nowMs);
  }

  busy(nowMs: number): string[] {
    this.#restQuietOnes(nowMs);
    return [...this.#busy.keys(), ...this.#unwatched];
  }

  get hasUnwatched(): boolean {
    return this.#unwatched.size > 0;
  }

  /** For a long read that names them all. */
  watchQuiet(): string[] {
    this.#unwatched.clear();
    return [...this.#quiet];
  }

  all(): string[] {
    return [...this.#order];
  }

  /** The next `count` of all streams, round and round: what is done for each is done for so many at a time. */
  takeTurn(work: 'take over' | 'trim', count: number): string[] {
    if (this.#order.length <= count) return this.all();
    const from = this.#turns[work] % this.#order.length;
    const turn = this.#order.slice(from, from + count);
    turn.push(...this.#order.slice(0, count - turn.length));
    this.#turns[work] = from + count;
    return turn;
  }

  /** Only while there are more than may be busy: a few cost nothing, whether they are busy or not. */
  #restQuietOnes(nowMs: number): void {
    for (const [stream, activeAtMs] of this.#busy) {
      const isTooMany = this.#busy.size > mostBusy;
      const isOver = this.#quiet.size > 0 && nowMs - activeAtMs > busyForMs;
      if (!isTooMany && !isOver) return;
      this.#busy.delete(stream);
      this.#rest(stream);
    }
  }

  #rest(stream: string): void {
    this.#quiet.add(stream);
    this.#unwatched.add(stream);
  }

  #remove(stream: string): boolean {
    this.#unwatched.delete(stream);
    return this.#busy.delete(stream) || this.#quiet.delete(stream);
  }
}
