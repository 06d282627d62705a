import type { Evidence } from '../evidence/evidence.ts';
import { outcomeOf } from '../history/operation.ts';
import { checkEvents } from './check-events.ts';
import { checkPurchases } from './check-purchases.ts';
import { checkRefunds } from './check-refunds.ts';
import { checkReleases } from './check-releases.ts';
import { checkSale } from './check-sale.ts';
import { checkSettled } from './check-settled.ts';
import { checkTables } from './check-tables.ts';
import { claimRows } from './claims.ts';
import { kinds, type Violation } from './violation.ts';

export interface Judgement {
  violations: Violation[];
  /** Losses of Redis that the caller allows. */
  allowed: Violation[];
}

/** Compares the history of the callers with everything that can be observed. Pure: the same evidence gives the same judgement. */
export function judge(evidence: Evidence): Judgement {
  const claims = claimRows(evidence);
  const { violations, allowed } = checkPurchases(evidence, claims);
  const lostUsers = new Set(
    evidence.operations
      .filter((operation) => outcomeOf(operation) === 'ok' && claims.rowsOf.get(operation)?.length === 0)
      .map(({ userId }) => userId),
  );
  const all = [
    ...violations,
    ...checkEvents(evidence, lostUsers),
    ...checkSale(evidence),
    ...checkRefunds(evidence),
    ...checkReleases(evidence),
    ...checkTables(evidence),
    ...checkSettled(evidence),
  ];
  const order = Object.keys(kinds);
  return { violations: all.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)), allowed };
}
