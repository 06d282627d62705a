import { WeirError } from '../../errors.ts';
import type { Brand } from '../../lib/brand.ts';
import type { Payment } from '../orders/payment.ts';

export type ProductId = Brand<bigint, 'ProductId'>;
export type UserId = Brand<bigint, 'UserId'>;
export type InstanceId = Brand<bigint, 'InstanceId'>;
export type Source = Brand<string, 'Source'>;
export type SourceId = Brand<string, 'SourceId'>;

/**
 * Proof that a user is owed one instance. (source, scope, sourceId) is its identity; the other fields are its
 * content.
 */
export interface Purchase {
  source: Source;
  /** The stream's key for streams, whose entry ids are unique per stream only; '' for other sources. */
  scope: string;
  sourceId: SourceId;
  productId: ProductId;
  userId: UserId;
  /** W3C trace context of the caller. */
  traceparent?: string;
  /** For an entry of a sale that Weir runs in Redis: the unit that was sold. */
  unit?: SaleUnit;
  /** For an order: the payment stated by its callback, recorded in the same commit. */
  payment?: Payment;
}

/** Identifies one sold unit of a sale. Redis assigns both numbers; PostgreSQL accepts each once. */
export interface SaleUnit {
  saleId: bigint;
  /** Position among all units sold in the sale, from 1. */
  nth: bigint;
  /** Position among the units this user bought in the sale, from 1. */
  userNth: number;
  /** The number of the user's ticket that bought the unit. */
  ticketUnit: number | undefined;
  idempotencyKey: string | undefined;
}

const int64Max = 2n ** 63n - 1n;
const canonicalDecimal = /^[1-9][0-9]{0,18}$/;

/** Parses 1 … 2^63−1 in canonical decimal (no sign, leading zero or exponent); otherwise undefined. */
export function parseInt64(text: unknown): bigint | undefined {
  if (typeof text !== 'string' || !canonicalDecimal.test(text)) return undefined;
  const value = BigInt(text);
  return value <= int64Max ? value : undefined;
}

export function parseProductId(text: unknown): ProductId {
  const value = parseInt64(text);
  if (value === undefined) throw new WeirError('PRODUCT_ID_INVALID', `not a product id: ${quote(text)}`);
  return value as ProductId;
}

export function parseUserId(text: unknown): UserId {
  const value = parseInt64(text);
  if (value === undefined) throw new WeirError('USER_ID_INVALID', `not a user id: ${quote(text)}`);
  return value as UserId;
}

const sourcePattern = '^[A-Z][A-Z0-9_]{0,19}$';
const sourceRegExp = new RegExp(sourcePattern);

export function parseSource(text: unknown): Source {
  if (typeof text !== 'string' || !sourceRegExp.test(text)) {
    throw new WeirError('SOURCE_INVALID', `not a source: ${quote(text)}`);
  }
  return text as Source;
}

// Excludes control, format, surrogate, unassigned and line separator characters; counts code points, as
// VARCHAR(64) does.
const printable = /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u;

export function parseSourceId(text: unknown): SourceId {
  if (typeof text !== 'string' || !printable.test(text) || text.trim() === '') {
    throw new WeirError('SOURCE_ID_INVALID', `not a source id: ${quote(text)}`);
  }
  return text as SourceId;
}

const saleUnit = /^(\d{1,18})\.(\d{1,15})\.(\d{1,9})(?:\.(\d{1,9}))?$/;

/**
 * Parses the entry fields `unit` (`<sale>.<nth>.<user's nth>[.<ticket>]`) and `key`, to spread into a
 * purchase; empty for an entry of another seller.
 */
export function parseSaleUnit(text: unknown, key?: unknown): { unit?: SaleUnit } {
  const [, saleId, nth, userNth, ticketUnit] = (typeof text === 'string' && saleUnit.exec(text)) || [];
  if (!saleId || !nth) return {};
  return {
    unit: {
      saleId: BigInt(saleId),
      nth: BigInt(nth),
      userNth: Number(userNth),
      ticketUnit: ticketUnit === undefined ? undefined : Number(ticketUnit),
      idempotencyKey: typeof key === 'string' && printableKey.test(key) ? key : undefined,
    },
  };
}

const printableKey = /^[^\0]{1,255}$/;

// W3C Trace Context, version 00.
const traceparent = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The caller's trace context, to spread into a purchase; empty when missing or malformed. */
export function parseTraceparent(text: unknown): { traceparent?: string } {
  return typeof text === 'string' && traceparent.test(text) ? { traceparent: text } : {};
}

/** Sort key: replicas that lock rows in the same order cannot deadlock. */
export function purchaseKey({
  source,
  scope,
  sourceId,
}: Pick<Purchase, 'source' | 'scope' | 'sourceId'>): string {
  return `${source}\n${scope}\n${sourceId}`;
}

function quote(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value !== 'string') return `a value of type ${typeof value}`;
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 80)}… (${text.length} characters)` : text;
}
