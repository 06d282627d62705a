import type { FastifyRequest } from 'fastify';
import { expect, test } from 'vitest';
import { setCaller } from '../../src/adapters/http/plugins/auth.ts';
import { createCallerLimits } from '../../src/adapters/http/plugins/caller-limits.ts';

/** Limits of two requests a minute, called without a server, which ten thousand requests would keep busy. */
function openLimits() {
  const { limit } = createCallerLimits({ requestsPerMinute: 2, loginsPerMinute: 2 });
  return async (ip: string, key?: string) => {
    const request = { ip, routeOptions: { config: {} } } as unknown as FastifyRequest;
    if (key !== undefined) setCaller(request, { name: key, scope: 'read' });
    await limit(request);
  };
}
const limited = { code: 'RATE_LIMITED' };

test('a flood of addresses does not make the count of a key be forgotten', async () => {
  const ask = openLimits();
  await ask('203.0.113.7', 'shop');
  await ask('203.0.113.7', 'shop');
  for (let i = 0; i < 10_001; i++) await ask(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
  await expect(ask('203.0.113.8', 'shop')).rejects.toMatchObject(limited);
});

test('requests without a key count for their IPv6 /64, and for no key of that name', async () => {
  const ask = openLimits();
  await ask('2001:db8::1');
  await ask('2001:db8::2');
  await expect(ask('2001:db8::3')).rejects.toMatchObject(limited);
  await ask('2001:db8::3', '2001:db8:0:0::/64');
});
