import { describe, expect, test } from 'vitest';
import { BuyerLimits } from '../../src/adapters/http/plugins/buyer-limits.ts';

const createLimits = () => new BuyerLimits({ perSecond: 1, burst: 2 }, { perSecond: 1, burst: 3 });

/** How many of these calls pass. */
const countPassed = (calls: (() => void)[]) =>
  calls.filter((call) => {
    try {
      call();
      return true;
    } catch {
      return false;
    }
  }).length;

describe('a limit by address', () => {
  test('the addresses of an IPv6 /64 share their tokens', () => {
    const limits = createLimits();
    const addresses = Array.from({ length: 2_000 }, (_, i) => `2001:db8:1:2:${(i + 1).toString(16)}::7`);
    expect(countPassed(addresses.map((address) => () => limits.takeAddress(address)))).toBe(3);
    expect(() => limits.takeAddress('2001:db8:1:3::7')).not.toThrow();
  });

  test('an IPv4 address and its mapped form share their tokens', () => {
    const limits = createLimits();
    const addresses = ['203.0.113.7', '::ffff:203.0.113.7', '::ffff:cb00:7107', '203.0.113.7'];
    expect(countPassed(addresses.map((address) => () => limits.takeAddress(address)))).toBe(3);
  });

  test('a loopback address is not limited', () => {
    const limits = createLimits();
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1']) {
      expect(countPassed(Array(50).fill(() => limits.takeAddress(address)))).toBe(50);
    }
  });

  test('requests of an address take no tokens of a user', () => {
    const limits = createLimits();
    countPassed(Array(50).fill(() => limits.takeAddress('203.0.113.7')));
    expect(countPassed(Array(5).fill(() => limits.takeUser('501')))).toBe(2);
  });
});
