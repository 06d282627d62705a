import type { ProductId, Purchase, Source, SourceId, UserId } from '../instance/purchase.ts';

/** What a purchase without an instance is owed: its unit and quota back, its money back, or nothing. */
export type CompensationKind = 'RESTOCK' | 'REFUND' | 'NOTHING';

/** A purchase that ended without its instance. */
export interface Compensation extends Omit<Purchase, 'traceparent' | 'payment'> {
  kind: CompensationKind;
  source: Source;
  sourceId: SourceId;
  productId: ProductId;
  userId: UserId;
  /** undefined: it was paid, but no instance was ever made of it. */
  instanceId: bigint | undefined;
  /** Stands in for the instance's id in the refund request then. */
  requestId?: bigint;
  /** Of a refund: the payment that goes back. Of a failed instance it is looked up, with what was paid. */
  paymentId?: string | undefined;
  /** Known for orders made here only. */
  amountCents: bigint | undefined;
  reason: string;
}

/** What a failed instance of this source is owed. Other sources took nothing from anybody. */
export function owedFor(source: string): CompensationKind {
  if (source === 'SECKILL') return 'RESTOCK';
  return source === 'ORDER' ? 'REFUND' : 'NOTHING';
}
