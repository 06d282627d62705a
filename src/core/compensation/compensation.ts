import type { ProductId, Purchase, Source, SourceId, UserId } from '../instance/purchase.ts';

/** What Weir owes for a purchase without an instance: its unit and quota, its money, or nothing. */
type CompensationKind = 'RESTOCK' | 'REFUND' | 'NOTHING';

/** A purchase that ended without its instance. */
export interface Compensation extends Omit<Purchase, 'traceparent' | 'payment'> {
  kind: CompensationKind;
  source: Source;
  sourceId: SourceId;
  productId: ProductId;
  userId: UserId;
  /** undefined: the order was paid, but no instance was created for it. */
  instanceId: bigint | undefined;
  /** Replaces the instance id in the refund request when there is no instance. */
  requestId?: bigint;
  /**
   * The payment to refund. For a failed instance, it is read from the recorded payments, together with the
   * amount.
   */
  paymentId?: string | undefined;
  /** undefined for orders that live in another system. */
  amountCents: bigint | undefined;
  reason: string;
}

/**
 * Returns the compensation for a failed instance of this source. Only streams and orders take something from
 * the user.
 */
export function owedFor(source: string): CompensationKind {
  if (source === 'SECKILL') return 'RESTOCK';
  return source === 'ORDER' ? 'REFUND' : 'NOTHING';
}
