import { createHash } from 'node:crypto';
import { WeirError } from '../../errors.ts';
import { shortenKey } from '../../lib/shorten-key.ts';
import { isStorableTime } from '../../lib/storable-time.ts';

/** What a callback states about the payment. Empty: it only states that the order is paid. */
export interface Payment {
  /** The payer's id of the payment. */
  paymentId?: string;
  /** Id of the signed message; a redelivery has the same one. */
  webhookId?: string;
  amountCents?: bigint;
  paidAt?: Date;
}

/** Longer ids do not fit into an index entry. */
const maxWebhookIdLength = 255;

/** Identifies a payment within its order; '' for one without an id. */
export function paymentKey({ paymentId, webhookId }: Payment): string {
  if (paymentId !== undefined) return shortenKey(`p:${paymentId}`);
  return webhookId === undefined ? '' : `w:${webhookId}`;
}

/** Whether the payment carries an id that distinguishes it from others. */
export function isNamed(payment: Payment): boolean {
  return paymentKey(payment) !== '';
}

/** The id by which the payer knows the payment. */
export function nameOfPayment({ paymentId, webhookId }: Payment): string | undefined {
  return paymentId ?? webhookId;
}

/**
 * Compares `paymentId` if both have one, else the message id. Payments without an id are equal only to each
 * other.
 */
export function isSamePayment(a: Payment, b: Payment): boolean {
  if (a.paymentId !== undefined && b.paymentId !== undefined) return a.paymentId === b.paymentId;
  if (a.webhookId !== undefined && b.webhookId !== undefined) return a.webhookId === b.webhookId;
  return !isNamed(a) && !isNamed(b);
}

/** Whether the payment has anything to record. */
export function hasFacts(payment: Payment): boolean {
  return isNamed(payment) || payment.amountCents !== undefined || payment.paidAt !== undefined;
}

export function readWebhookId(header: unknown): { webhookId?: string } {
  if (typeof header !== 'string' || header === '') return {};
  if (header.length <= maxWebhookIdLength) return { webhookId: header };
  return { webhookId: `sha256:${createHash('sha256').update(header).digest('hex')}` };
}

const printable = /^[^\p{C}\p{Zl}\p{Zp}]{1,255}$/u;
const cents = /^(0|[1-9][0-9]{0,17})$/;
const isoTime = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** @throws WeirError REQUEST_INVALID */
export function parsePayment(fields: { paymentId?: string; amountCents?: string; paidAt?: string }): Payment {
  const { paymentId, amountCents, paidAt } = fields;
  if (paymentId !== undefined && (!printable.test(paymentId) || paymentId.trim() === '')) {
    throw new WeirError('REQUEST_INVALID', 'paymentId must be 1 to 255 printable characters');
  }
  if (amountCents !== undefined && !cents.test(amountCents)) {
    throw new WeirError('REQUEST_INVALID', 'amountCents must be a whole number of cents, such as "19900"');
  }
  const time = paidAt === undefined ? undefined : new Date(paidAt);
  if (time && (!isoTime.test(paidAt ?? '') || !isStorableTime(time))) {
    throw new WeirError(
      'REQUEST_INVALID',
      'paidAt must be a time with its zone, such as 2026-11-27T20:00:00Z',
    );
  }
  return {
    ...(paymentId === undefined ? {} : { paymentId }),
    ...(amountCents === undefined ? {} : { amountCents: BigInt(amountCents) }),
    ...(time ? { paidAt: time } : {}),
  };
}
