import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatUserId } from '../../src/core/instance/user-id.ts';
import { readUserId } from '../support/read-user-id.ts';
import { readUserIdVectors } from './wire-contract.ts';

const int64Max = 2n ** 63n - 1n;
const anyUserId = fc.bigInt({ min: 1n, max: int64Max });
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const { accepted, refused } = readUserIdVectors();

test('the wire contract lists both kinds of user ids', () => {
  expect(accepted.length).toBeGreaterThanOrEqual(5);
  expect(refused.length).toBeGreaterThanOrEqual(3);
});

describe('the wire contract', () => {
  test.each(accepted)('user $userId is $uuid, and back', ({ userId, uuid }) => {
    expect(formatUserId(userId)).toBe(uuid);
    expect(readUserId(uuid)).toBe(userId);
  });

  test.each(refused)('the user id %s is refused', (userId) => {
    expect(() => formatUserId(userId)).toThrow(expect.objectContaining({ code: 'USER_ID_INVALID' }));
  });
});

test('every user id comes back from its UUID', () => {
  fc.assert(
    fc.property(anyUserId, (userId) => {
      expect(readUserId(formatUserId(userId))).toBe(userId);
    }),
    { numRuns: 2_000, examples: [[1n], [2n ** 62n - 1n], [2n ** 62n], [2n ** 62n + 1n], [int64Max]] },
  );
});

test('every power of two and its neighbours come back from their UUIDs', () => {
  for (let bit = 1n; bit < 63n; bit++) {
    for (const userId of [2n ** bit - 1n, 2n ** bit, 2n ** bit + 1n]) {
      expect(readUserId(formatUserId(userId))).toBe(userId);
    }
  }
});

test('every user id makes a UUID of version 8 and the variant of RFC 9562', () => {
  fc.assert(fc.property(anyUserId, (userId) => uuid.test(formatUserId(userId))));
});

test('two users never share a UUID', () => {
  fc.assert(
    fc.property(anyUserId, anyUserId, (a, b) => {
      expect(formatUserId(a) === formatUserId(b)).toBe(a === b);
    }),
  );
});

test('a user id outside 1 to 2^63-1 is refused, never mapped to another one', () => {
  const outside = fc.oneof(
    fc.bigInt({ min: -(2n ** 70n), max: 0n }),
    fc.bigInt({ min: int64Max + 1n, max: 2n ** 70n }),
  );
  fc.assert(
    fc.property(outside, (userId) => {
      expect(() => formatUserId(userId)).toThrow(expect.objectContaining({ code: 'USER_ID_INVALID' }));
    }),
  );
});

describe('a UUID that was not made from a user id names no user', () => {
  test.each([
    '',
    'abc',
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    // User 0 is not a user.
    '00000000-0000-8000-8000-000000000000',
    // Versions 4 and 7, a foreign variant, a foreign version 8, a second bit above bit 62.
    '00000000-0000-4000-8000-00000000007b',
    '00000000-0000-7000-8000-00000000007b',
    '00000000-0000-8000-0000-00000000007b',
    '00000000-0000-8000-c000-00000000007b',
    '00000001-0000-8000-8000-00000000007b',
    '00000000-0001-8000-8000-00000000007b',
    '00000000-0000-8002-8000-00000000007b',
    '00000000-0000-8010-8000-00000000007b',
    '00000000-0000-8000-8000-00000000007b\n',
    ' 00000000-0000-8000-8000-00000000007b',
    '{00000000-0000-8000-8000-00000000007b}',
    '0000000000008000800000000000007b',
    '00000000-0000-8000-8000-00000000007g',
  ])('the UUID %j names no user', (foreign) => {
    expect(readUserId(foreign)).toBeUndefined();
  });

  test('a UUID of any other version names no user', () => {
    // 122 random bits practically never match the 60 zero bits of a user id.
    fc.assert(fc.property(fc.uuid(), (foreign) => readUserId(foreign) === undefined || uuid.test(foreign)));
    fc.assert(
      fc.property(fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7] }), (foreign) => {
        expect(readUserId(foreign)).toBeUndefined();
      }),
    );
  });

  test('one wrong digit gives another user or none, never the same user', () => {
    const digit = fc.constantFrom(...'0123456789abcdef');
    fc.assert(
      fc.property(anyUserId, fc.nat({ max: 35 }), digit, (userId, at, wrong) => {
        const right = formatUserId(userId);
        fc.pre(right[at] !== '-' && right[at] !== wrong);
        const damaged = right.slice(0, at) + wrong + right.slice(at + 1);
        const read = readUserId(damaged);
        expect(read).not.toBe(userId);
        if (read !== undefined) expect(formatUserId(read)).toBe(damaged);
      }),
      { numRuns: 1_000 },
    );
  });
});
