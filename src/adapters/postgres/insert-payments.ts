import type { NewInstance } from '../../core/instance/create-instances.ts';
import { paymentKey } from '../../core/orders/payment.ts';

// The part of the insert statement (postgres/instance-logs.ts) that records payments. Used only for a batch
// with a callback that contained payment details.

/** The last parameter of the statement; undefined when there is nothing to record. */
export function toPaymentInput(instances: readonly NewInstance[]): string | undefined {
  const stated = instances.flatMap(({ instanceId, purchase: { payment } }) =>
    payment ? [{ instanceId, payment }] : [],
  );
  if (stated.length === 0) return undefined;
  return JSON.stringify(
    stated.map(({ instanceId, payment }) => ({
      instance_id: instanceId.toString(),
      payment_key: paymentKey(payment),
      payment_id: payment.paymentId,
      webhook_id: payment.webhookId,
      amount_cents: payment.amountCents?.toString(),
      paid_at: payment.paidAt?.toISOString(),
    })),
  );
}

export const paymentInput = (value: string) => `payment_input AS (
  SELECT * FROM jsonb_to_recordset(${value}::jsonb) AS t (instance_id bigint, payment_key text, payment_id text, webhook_id text,
    amount_cents bigint, paid_at timestamptz)
), discarded AS (
  SELECT instance_id FROM payment_input JOIN input USING (instance_id)
  JOIN payments ON order_id = source_id AND payments.payment_key = payment_input.payment_key
  WHERE outcome = 'DISCARDED'
),`;

/** An operator has discarded this payment: it no longer creates an instance of its order. */
export const isDiscarded = 'input.instance_id IN (SELECT instance_id FROM discarded)';

/** Recorded in the commit of the instance. A payment that was parked before now has its instance. */
export const recordPayments = `recorded AS (
  INSERT INTO payments (order_id, payment_key, payment_id, webhook_id, amount_cents, paid_at, outcome)
  SELECT source_id, payment_key, payment_id, webhook_id, amount_cents, paid_at, 'INSTANCE'
  FROM payment_input JOIN input USING (instance_id) JOIN inserted USING (instance_id) ORDER BY source_id
  ON CONFLICT (order_id, payment_key) DO UPDATE SET outcome = 'INSTANCE' WHERE payments.outcome = 'PARKED'
),`;
