import { pause } from '../../lib/backoff.ts';
import type { Outbox } from './outbox.ts';

interface IntakeGateOptions {
  /** Waiting events above which the intake pauses; it resumes below half of this. */
  highWater: number;
  everyMs: number;
  /** A count that takes longer is reported as failed while it continues. */
  lateAfterMs: number;
  onPaused: (waiting: number) => void;
  onResumed: (waiting: number) => void;
  onFailure: (error: unknown, attempt: number) => void;
  /** Called when the database answers. */
  onAnswered?: () => void;
}

/** Counts the events that wait to be published, and pauses the intake while there are too many. */
export class IntakeGate {
  readonly #outbox: Outbox;
  readonly #options: IntakeGateOptions;
  #open = true;
  #failure: string | undefined = 'not asked yet';

  constructor(outbox: Outbox, options: IntakeGateOptions) {
    this.#outbox = outbox;
    this.#options = options;
  }

  /** An arrow function, so that it can be passed as a callback. */
  readonly hasRoom = (): boolean => this.#open;

  /** Why the last count failed; undefined while the database answers. */
  get notReady(): string | undefined {
    return this.#failure;
  }

  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const late = setTimeout(() => {
        this.#failure = `the database has not answered for ${this.#options.lateAfterMs / 1000} s`;
      }, this.#options.lateAfterMs);
      try {
        this.judge(await this.#outbox.countWaiting());
        failures = 0;
        this.#failure = undefined;
        this.#options.onAnswered?.();
      } catch (error) {
        this.#failure = error instanceof Error && error.message !== '' ? error.message : String(error);
        this.#options.onFailure(error, ++failures);
      } finally {
        clearTimeout(late);
      }
      await pause(this.#options.everyMs, signal);
    }
  }

  judge(waiting: number): void {
    const { highWater, onPaused, onResumed } = this.#options;
    if (this.#open && waiting >= highWater) {
      this.#open = false;
      onPaused(waiting);
    } else if (!this.#open && waiting < highWater / 2) {
      this.#open = true;
      onResumed(waiting);
    }
  }
}
