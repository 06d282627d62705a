import { backoffMs } from '../../lib/backoff.ts';
import { pauseBeforeRetry } from '../../lib/recovery.ts';
import type { Signal } from '../../lib/signal.ts';
import type { SourceId, UserId } from '../instance/purchase.ts';

/** A unit that was sold on a seckill stream and whose instance failed. */
export interface HeldUnit {
  stream: string;
  entryId: SourceId;
  userId: UserId;
}

/** `NO_SALE`: another seller wrote the entry, so there is no counter to correct. */
export type UnitOutcome = 'RESTOCKED' | 'NO_SALE';

/**
 * `failed`: why this unit or its sale cannot be changed; other units are unaffected. `later`: its sale is
 * being rebuilt, or the node that has it is down, so this does not count as an attempt.
 */
export type UnitAnswer = UnitOutcome | { failed: string } | { later: string };

export interface SaleCounters {
  /**
   * Restocks units and quotas, once per entry however often it is called. Answers are in order.
   * @throws when the store is unavailable
   */
  restock(units: readonly HeldUnit[]): Promise<UnitAnswer[]>;
}

/** Units that could not be restocked: how many will be retried, how many were parked, and why. */
export interface FailedUnits {
  count: number;
  parked: number;
  why: string;
}

export interface RestockRows {
  /**
   * Passes due units to `work` and records its answers.
   * @returns what was committed
   */
  claim(limit: number, work: (units: HeldUnit[]) => Promise<UnitAnswer[]>): Promise<ClaimedUnits>;
}

export interface ClaimedUnits {
  units: number;
  /** Outcomes of the units whose compensation is finished. */
  outcomes: UnitOutcome[];
  failed: FailedUnits | undefined;
}

interface RestockDeps {
  rows: RestockRows;
  counters: SaleCounters;
  /** Signalled when a compensation may be due. */
  signal: Signal;
  onRestocked: (outcomes: readonly UnitOutcome[]) => void;
  onFailedUnits?: (failed: FailedUnits) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

const unitsPerClaim = 500;
const maxIdleMs = 5_000;
const retry = { firstMs: 200, maxMs: 5_000 };

/** Applies due restocks to the sales' counters until stopped. Any number of processes may run it. */
export class Restock {
  readonly #deps: RestockDeps;

  constructor(deps: RestockDeps) {
    this.#deps = deps;
  }

  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        if ((await this.restockOnce()) < unitsPerClaim) await this.#deps.signal.wait(maxIdleMs, signal);
        failures = 0;
      } catch (error) {
        this.#deps.onFailure(error, ++failures);
        await pauseBeforeRetry(backoffMs(failures, retry), signal);
      }
    }
  }

  /** @returns the number of units handled */
  async restockOnce(): Promise<number> {
    const { units, outcomes, failed } = await this.#deps.rows.claim(unitsPerClaim, (held) =>
      this.#deps.counters.restock(held),
    );
    if (outcomes.length > 0) this.#deps.onRestocked(outcomes);
    if (failed) this.#deps.onFailedUnits?.(failed);
    return units;
  }
}
