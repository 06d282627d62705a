import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { matchNetworks, nameAddress } from '../../src/lib/address.ts';

describe('the name of an address', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::FFFF:cb00:7107', '203.0.113.7'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002:ffff:ffff:ffff:ffff', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::1]:443', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::1]', '2001:db8:1:2::/64'],
    ['2001:db8:1:3::1', '2001:db8:1:3::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::2%3', 'fe80:0:0:0::/64'],
    ['::203.0.113.7', '0:0:0:0::/64'],
  ])('the name of %s is %s', (address, name) => {
    expect(nameAddress(address)).toBe(name);
  });

  test.each([
    '',
    'unknown',
    '_hidden',
    '203.0.113.256',
    '1.2.3',
    ':::',
    '2001:db8::1::2',
    'x'.repeat(16_000),
  ])('every text that is no address has the same name (case %#)', (text) => {
    expect(nameAddress(text)).toBe('unknown');
  });

  test('two IPv6 addresses have one name when node:net puts both into one /64', () => {
    const pair = fc.tuple(fc.ipV6(), fc.ipV6(), fc.boolean(), fc.boolean());
    fc.assert(
      fc.property(pair, ([a, b, isSame, isNear]) => {
        // Two random addresses are hardly ever in the same network, so some pairs are made to be.
        const other = isSame ? a : isNear ? `2001:db8:7:9::${b.length}` : b;
        const first = isNear && !isSame ? '2001:0DB8:0007:9::1' : a;
        const network = new BlockList();
        network.addSubnet(first, 64, 'ipv6');
        expect(nameAddress(first) === nameAddress(other)).toBe(network.check(other, 'ipv6'));
        expect(nameAddress(first)).not.toBe('unknown');
      }),
    );
  });
});

describe('a list of networks', () => {
  const isProxy = matchNetworks(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', 'fe80::/10']);

  test.each(['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.7', '2001:db8:5::1', 'fe80::1%eth0'])(
    'a list of networks contains %s',
    (address) => {
      expect(isProxy(address)).toBe(true);
    },
  );

  test.each(['11.0.0.1', '192.0.2.8', '2001:db9::1', '::1', '', 'unknown', '10.0.0'])(
    'a list of networks does not contain "%s"',
    (address) => {
      expect(isProxy(address)).toBe(false);
    },
  );
});
