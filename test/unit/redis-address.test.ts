import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { listRedisHosts, readRedisAddress } from '../../src/lib/redis-address.ts';
import { catchConfigError } from './config-samples.ts';

describe('an address of Redis', () => {
  test.each([
    ['127.0.0.1:6379', { kind: 'server', url: 'redis://127.0.0.1:6379' }],
    ['rediss://u:p@h:1/2', { kind: 'server', url: 'rediss://u:p@h:1/2' }],
    ['redis://:a,b@h', { kind: 'server', url: 'redis://:a,b@h' }],
    [
      'redis+cluster://h1,h2:7000,[::1]:7001',
      {
        kind: 'cluster',
        seeds: [
          { host: 'h1', port: 6379 },
          { host: 'h2', port: 7000 },
          { host: '::1', port: 7001 },
        ],
        login: {},
        tls: false,
      },
    ],
    [
      'rediss+cluster://weir:p%40ss@h1:80',
      {
        kind: 'cluster',
        seeds: [{ host: 'h1', port: 80 }],
        login: { username: 'weir', password: 'p@ss' },
        tls: true,
      },
    ],
    [
      'redis+sentinel://:secret@s1,s2:26380/main/3?sentinelPassword=other',
      {
        kind: 'sentinel',
        sentinels: [
          { host: 's1', port: 26379 },
          { host: 's2', port: 26380 },
        ],
        primary: 'main',
        db: 3,
        login: { password: 'secret' },
        sentinelLogin: { password: 'other' },
        tls: false,
      },
    ],
  ])('an address is read with its hosts and credentials (case %#)', (addr, expected) => {
    expect(readRedisAddress(addr)).toEqual(expected);
  });

  test.each([
    ['h1:6379,h2:6379', /before several hosts/],
    ['redis://h1:6379,h2:6379', /before several hosts/],
    ['redis+cluster://h1:7000/1', /neither a path nor options/],
    ['redis+sentinel://s1:26379', /name of the primary/],
    ['redis+sentinel://s1:26379/main/x', /database number/],
    ['redis+sentinel://s1:26379/main/1/2', /database number/],
    ['redis+cluster://h1:99999', /hosts and ports that exist/],
    ['redis+cluster://h1,,h2', /on each side of a comma/],
    ['redis+cluster://h1,h1', /each host once/],
    ['redis+cluster://u:hunter2@h1,u:hunter2@h2', /user and password once/],
  ])('%s is refused with a sentence', (addr, why) => {
    expect(() => readRedisAddress(addr)).toThrow(why);
    const message = catchConfigError(() => readConfig(undefined, { WEIR_DATA_REDIS_ADDR: addr }));
    expect(message).toMatch(why);
    expect(message).not.toContain('hunter2');
  });

  test('hosts are listed without credentials', () => {
    expect(listRedisHosts('redis+sentinel://:secret@s1,s2:1/main')).toEqual(['s1:26379', 's2:1']);
    expect(listRedisHosts('redis://:secret@h')).toEqual(['h:6379']);
  });
});
