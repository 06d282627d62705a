import { toWeirError, WeirError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { retryTransient } from '../../lib/repeat.ts';
import type { BatchOutcome, CreateInstances, Draft, Outcome } from './create-instances.ts';
import type { ProductCache } from './product.ts';
import type { Source } from './purchase.ts';

// Wrappers of createInstances, innermost first. app/components.ts composes them.

type CreateBatch<T> = (drafts: readonly Draft[]) => Promise<T[]>;

const maxRefreshes = 4;

/** Evicts products that changed after they were read, and retries only their purchases. */
export function refreshStaleProducts(
  products: Pick<ProductCache, 'forget'>,
  createBatch: CreateBatch<BatchOutcome>,
): CreateBatch<Outcome> {
  return async (drafts) => {
    const outcomes = await createBatch(drafts);
    let stale = findStale(outcomes);
    for (let refresh = 0; stale.length > 0; refresh++) {
      if (refresh === maxRefreshes) {
        throw new WeirError('PRODUCT_CHANGING', `a product changed in each of ${maxRefreshes + 1} attempts`);
      }
      const again = stale.map((at) => drafts[at] as Draft);
      for (const { purchase } of again) products.forget(purchase.productId);
      for (const [i, outcome] of (await createBatch(again)).entries()) {
        outcomes[stale[i] as number] = outcome;
      }
      stale = findStale(outcomes);
    }
    return outcomes as Outcome[];
  };
}

function findStale(outcomes: readonly BatchOutcome[]): number[] {
  return outcomes.flatMap(({ kind }, at) => (kind === 'stale' ? [at] : []));
}

/**
 * Retries a batch after a transient failure. The drafts keep their ids, so a commit whose answer was lost is
 * detected.
 */
export function retryBatch(
  isTransient: (error: unknown) => boolean,
  createBatch: CreateBatch<Outcome>,
): CreateBatch<Outcome> {
  return (drafts) => retryTransient(() => createBatch(drafts), isTransient);
}

/**
 * Splits a failing batch until the purchase that causes the failure is alone, and rejects it.
 * @throws transient errors: nothing was decided, and the caller retries the batch
 */
export function splitPoisonedBatch(
  isTransient: (error: unknown) => boolean,
  createBatch: CreateBatch<Outcome>,
): CreateBatch<Outcome> {
  return async function createOrSplit(drafts): Promise<Outcome[]> {
    try {
      return await createBatch(drafts);
    } catch (error) {
      if (error instanceof WeirError ? error.isTransient : isTransient(error)) throw error;
      if (drafts.length <= 1) return drafts.map(() => ({ kind: 'refused', error: toWeirError(error) }));
      const middle = drafts.length >> 1;
      const first = await createOrSplit(drafts.slice(0, middle));
      return [...first, ...(await createOrSplit(drafts.slice(middle)))];
    }
  };
}

/** Reports, after the commit, how many instances of each source were created and how long it took. */
export function reportCreated(
  onCreated: (counts: ReadonlyMap<Source, number>, durationMs: number) => void,
  { monotonicMs }: Pick<Clock, 'monotonicMs'>,
  createBatch: CreateBatch<Outcome>,
): CreateInstances {
  return async (purchases) => {
    const startedMs = monotonicMs();
    const outcomes = await createBatch(purchases.map((purchase) => ({ purchase, instanceId: undefined })));
    onCreated(countCreated(outcomes), monotonicMs() - startedMs);
    return outcomes;
  };
}

function countCreated(outcomes: readonly Outcome[]): Map<Source, number> {
  const counts = new Map<Source, number>();
  for (const outcome of outcomes) {
    if (outcome.kind !== 'created') continue;
    const { source } = outcome.instance;
    counts.set(source, (counts.get(source) ?? 0) + 1);
  }
  return counts;
}
