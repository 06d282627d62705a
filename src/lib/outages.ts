type OnOver = (store: string) => void;

/**
 * Tracks stores that have failed and not worked since. A failure that ends after one attempt is not an
 * outage: the loops have hardly backed off, and a connection that breaks repeatedly must not signal them each
 * time.
 */
export class Outages {
  readonly #attempts = new Map<string, number>();
  readonly #listeners: OnOver[] = [];

  onOver(listener: OnOver): void {
    this.#listeners.push(listener);
  }

  failed(store: string, attempt: number): void {
    this.#attempts.set(store, Math.max(attempt, this.#attempts.get(store) ?? 0));
  }

  /**
   * Reports a success of the store. @returns whether that ended a failure; `minAttempts`: how many attempts
   * make it an outage
   */
  works(store: string, minAttempts: number): boolean {
    const attempts = this.#attempts.get(store);
    if (attempts === undefined) return false;
    this.#attempts.delete(store);
    if (attempts >= minAttempts) for (const notify of this.#listeners) notify(store);
    return true;
  }
}
