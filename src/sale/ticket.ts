import { createHmac, timingSafeEqual } from 'node:crypto';
import { type ProductId, parseProductId, parseUserId, type UserId } from '../core/instance/purchase.ts';

/** Permits one user to buy one unit in one sale, from a given time. */
export interface Ticket {
  productId: ProductId;
  /** Ordinal of the sale among those of the product. */
  number: number;
  userId: UserId;
  /** Ordinal of the unit among the user's, from 1. */
  unit: number;
  /** By the store's clock. */
  admittedAtMs: number;
}

const form = /^1\.(\d{1,19})\.(\d{1,10})\.(\d{1,19})\.(\d{1,7})\.(\d{1,15})\.([A-Za-z0-9_-]{22})$/;

/**
 * Formats `1.<product>.<sale>.<user>.<unit>.<admitted at, ms>.<HMAC-SHA256, 128 bits>`: readable by its
 * holder, signed by Weir, and identical for the same ticket.
 * @param secret signing key of the sale, shared by all replicas through the store
 */
export function signTicket(ticket: Ticket, secret: string): string {
  const text = `1.${ticket.productId}.${ticket.number}.${ticket.userId}.${ticket.unit}.${ticket.admittedAtMs}`;
  return `${text}.${authenticate(text, secret).toString('base64url')}`;
}

/** Parses a ticket's claims, untrusted until `isSigned`; undefined: not a ticket. */
export function readTicket(text: string): Ticket | undefined {
  const [, product = '', number, user = '', unit, admittedAtMs] = form.exec(text) ?? [];
  try {
    return {
      productId: parseProductId(product),
      number: Number(number),
      userId: parseUserId(user),
      unit: Number(unit),
      admittedAtMs: Number(admittedAtMs),
    };
  } catch {
    return undefined;
  }
}

/** Whether a text parsed by `readTicket` was signed with this secret. */
export function isSigned(text: string, secret: string): boolean {
  const end = text.lastIndexOf('.');
  const given = Buffer.from(text.slice(end + 1), 'base64url');
  const expected = authenticate(text.slice(0, end), secret);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function authenticate(text: string, secret: string): Buffer {
  return createHmac('sha256', secret).update(text).digest().subarray(0, 16);
}
