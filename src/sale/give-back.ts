import type { SourceId, UserId } from '../instance/purchase.ts';
import { backoffMs, pause } from '../lib/backoff.ts';
import type { Wake } from '../lib/wake.ts';

/** A unit that a winner got on a seckill stream and whose instance failed. */
export interface HeldUnit {
  stream: string;
  entryId: SourceId;
  userId: UserId;
}

/** `NO_SALE`: the entry was not sold through a sale of Weir's, so there is no counter to correct. */
export type UnitOutcome = 'GIVEN_BACK' | 'NO_SALE';

export interface SaleCounters {
  /**
   * Puts units and quotas back, each once however often it is called for the same entry. Answers in order.
   */
  giveBack(units: readonly HeldUnit[]): Promise<UnitOutcome[]>;
}

export interface GiveBackRows {
  /** Lends units that are owed to `work` and records its outcomes. @returns how many */
  claim(limit: number, work: (units: HeldUnit[]) => Promise<UnitOutcome[]>): Promise<number>;
}

export interface GiveBackParts {
  rows: GiveBackRows;
  counters: SaleCounters;
  /** Rung when something may be owed. */
  wake: Wake;
  onGivenBack: (outcomes: readonly UnitOutcome[]) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

const unitsPerClaim = 500;
const maxIdleMs = 5_000;
const retry = { firstMs: 200, maxMs: 30_000 };

/** Takes what is owed from the database to the sale's counters until stopped; in any number of processes. */
export class GiveBack {
  readonly #parts: GiveBackParts;

  constructor(parts: GiveBackParts) {
    this.#parts = parts;
  }

  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        if ((await this.giveBackOnce()) < unitsPerClaim) await this.#parts.wake.wait(maxIdleMs, signal);
        failures = 0;
      } catch (error) {
        this.#parts.onFailure(error, ++failures);
        await pause(backoffMs(failures, retry), signal);
      }
    }
  }

  /** @returns how many units were handled */
  giveBackOnce(): Promise<number> {
    return this.#parts.rows.claim(unitsPerClaim, async (units) => {
      const outcomes = await this.#parts.counters.giveBack(units);
      this.#parts.onGivenBack(outcomes);
      return outcomes;
    });
  }
}
