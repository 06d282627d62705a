import { WeirError } from '../../errors.ts';
import type { Outcome } from '../instance/create-instances.ts';
import type { InstanceLog } from '../instance/instance-log.ts';
import type { Purchase } from '../instance/purchase.ts';

/** Creates one instance through the group commit. */
export type CreateInstance = (purchase: Purchase) => Promise<Outcome>;

/** The answer to the caller. `first` is false for a repeat, which gets the same instance. */
export interface Receipt {
  first: boolean;
  instance: InstanceLog;
}

/**
 * Creates an instance for a purchase from any source: a gift, a migration, or another one.
 * @throws WeirError PURCHASE_CONFLICT, or the error that rejected the purchase
 */
export async function purchaseInstance(createInstance: CreateInstance, purchase: Purchase): Promise<Receipt> {
  const outcome = await createInstance(purchase);
  if (outcome.kind === 'refused') throw outcome.error;
  if (outcome.kind === 'conflict') throw describeConflict(outcome.instance);
  return { first: outcome.kind === 'created', instance: outcome.instance };
}

function describeConflict({ source, sourceId, productId, userId }: InstanceLog): WeirError {
  return new WeirError(
    'PURCHASE_CONFLICT',
    `${source} ${sourceId} already names the purchase of product ${productId} by user ${userId}`,
  );
}
