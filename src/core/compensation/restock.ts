import { backoffMs } from '../../lib/backoff.ts';
import { pauseBeforeRetry } from '../../lib/recovery.ts';
import type { Signal } from '../../lib/signal.ts';
import type { SourceId, UserId } from '../instance/purchase.ts';

/** A unit that a winner got on a seckill stream and whose instance failed. */
export interface HeldUnit {
  stream: string;
  entryId: SourceId;
  userId: UserId;
}

/** `NO_SALE`: the entry was not sold through a sale of Weir's, so there is no counter to correct. */
export type UnitOutcome = 'RESTOCKED' | 'NO_SALE';

/**
 * `failed`: why this unit, or its sale, cannot be changed; other units are not affected. `later`: its sale is being worked
 * on, so this counts as no attempt.
 */
export type UnitAnswer = UnitOutcome | { failed: string } | { later: string };

export interface SaleCounters {
  /**
   * Puts units and quotas back, each once however often it is called for the same entry. Answers in order.
   *
   * @throws what is no fault of a unit: the store is unavailable
   */
  restock(units: readonly HeldUnit[]): Promise<UnitAnswer[]>;
}

/** Units that could not be put back: how many of them wait for their next attempt, how many were parked, and why. */
export interface FailedUnits {
  count: number;
  parked: number;
  why: string;
}

export interface RestockRows {
  /** Lends units that are due to `work` and records its answers. @returns what is committed */
  claim(limit: number, work: (units: HeldUnit[]) => Promise<UnitAnswer[]>): Promise<ClaimedUnits>;
}

export interface ClaimedUnits {
  units: number;
  /** Of those that are owed no longer. */
  outcomes: UnitOutcome[];
  failed: FailedUnits | undefined;
}

export interface RestockDeps {
  rows: RestockRows;
  counters: SaleCounters;
  /** Rung when something may be owed. */
  wake: Signal;
  onRestocked: (outcomes: readonly UnitOutcome[]) => void;
  onFailedUnits?: (failed: FailedUnits) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

const unitsPerClaim = 500;
const maxIdleMs = 5_000;
const retry = { firstMs: 200, maxMs: 5_000 };

/** Takes what is owed from the database to the sale's counters until stopped; in any number of processes. */
export class Restock {
  readonly #deps: RestockDeps;

  constructor(deps: RestockDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        if ((await this.restockOnce()) < unitsPerClaim) await this.#deps.wake.wait(maxIdleMs, signal);
        failures = 0;
      } catch (error) {
        this.#deps.onFailure(error, ++failures);
        await pauseBeforeRetry(backoffMs(failures, retry), signal);
      }
    }
  }

  /** @returns how many units were handled */
  async restockOnce(): Promise<number> {
    const { units, outcomes, failed } = await this.#deps.rows.claim(unitsPerClaim, (held) =>
      this.#deps.counters.restock(held),
    );
    if (outcomes.length > 0) this.#deps.onRestocked(outcomes);
    if (failed) this.#deps.onFailedUnits?.(failed);
    return units;
  }
}
