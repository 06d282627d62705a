import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ProductId, UserId } from '../../src/core/instance/purchase.ts';
import { isSigned, readTicket, signTicket, type Ticket } from '../../src/sale/ticket.ts';

const int64 = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });
const tickets: fc.Arbitrary<Ticket> = fc.record({
  productId: int64.map((id) => id as ProductId),
  number: fc.integer({ min: 1, max: 1_000_000 }),
  userId: int64.map((id) => id as UserId),
  unit: fc.integer({ min: 1, max: 1_000_000 }),
  admittedAtMs: fc.integer({ min: 0, max: 4_102_444_800_000 }),
});

describe('a ticket', () => {
  test('a ticket states who may buy what and from when, and is the same each time', () => {
    fc.assert(
      fc.property(tickets, (ticket) => {
        const text = signTicket(ticket, 'secret');
        expect(readTicket(text)).toEqual(ticket);
        expect(isSigned(text, 'secret')).toBe(true);
        expect(signTicket(ticket, 'secret')).toBe(text);
        expect(text.length).toBeLessThanOrEqual(128);
        expect(encodeURIComponent(text)).toBe(text);
      }),
    );
  });

  test('a ticket with a changed character or another secret is invalid', () => {
    fc.assert(
      fc.property(tickets, fc.nat(), fc.constantFrom(...'0123456789abcXYZ-_.'), (ticket, at, character) => {
        const text = signTicket(ticket, 'secret');
        const position = at % text.length;
        // The last character of base64 contains unused bits.
        const forged = `${text.slice(0, position)}${character}${text.slice(position + 1)}`;
        if (position === text.length - 1 || forged === text) return;
        expect(readTicket(forged) !== undefined && isSigned(forged, 'secret')).toBe(false);
      }),
    );
    const text = signTicket(fc.sample(tickets, 1)[0] as Ticket, 'secret');
    expect(isSigned(text, 'other')).toBe(false);
  });

  test.each([
    '',
    'a',
    '1.2.3',
    '1.0.1.1.1.1.AAAAAAAAAAAAAAAAAAAAAA',
    `${'1.'.repeat(6)}`,
    '1.1.1.9223372036854775808.1.1.AAAAAAAAAAAAAAAAAAAAAA',
  ])('a ticket is not read from %j', (text) => expect(readTicket(text)).toBeUndefined());
});
