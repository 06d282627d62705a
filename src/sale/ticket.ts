import { createHmac, timingSafeEqual } from 'node:crypto';
import { type ProductId, parseProductId, parseUserId, type UserId } from '../core/instance/purchase.ts';

/** Lets one user buy one unit in one sale, from a moment on. */
export interface Ticket {
  productId: ProductId;
  /** Which sale of the product. */
  number: number;
  userId: UserId;
  /** Which of the user's units, from 1. */
  unit: number;
  /** By the store's clock. */
  admittedAtMs: number;
}

const form = /^1\.(\d{1,19})\.(\d{1,10})\.(\d{1,19})\.(\d{1,7})\.(\d{1,15})\.([A-Za-z0-9_-]{22})$/;

/**
 * `1.<product>.<sale>.<user>.<unit>.<admitted at, ms>.<HMAC-SHA256, 128 bits>`: its holder can read it, and
 * only Weir can make it. The same ticket always has the same text.
 *
 * @param secret of the sale, shared by its replicas through the store
 */
export function signTicket(ticket: Ticket, secret: string): string {
  const text = `1.${ticket.productId}.${ticket.number}.${ticket.userId}.${ticket.unit}.${ticket.admittedAtMs}`;
  return `${text}.${authenticate(text, secret).toString('base64url')}`;
}

/** Claims of a ticket. Untrusted until `isSigned`. undefined: no ticket. */
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

/** Whether a text that `readTicket` could read was signed with this secret. */
export function isSigned(text: string, secret: string): boolean {
  const end = text.lastIndexOf('.');
  const given = Buffer.from(text.slice(end + 1), 'base64url');
  const expected = authenticate(text.slice(0, end), secret);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function authenticate(text: string, secret: string): Buffer {
  return createHmac('sha256', secret).update(text).digest().subarray(0, 16);
}
