import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { listHosts, nameHost } from '../../src/lib/list-hosts.ts';
import { createRedactor } from '../../src/ops/telemetry/logs/redact.ts';
import { catchConfigError } from './config-samples.ts';

describe('a URL with several hosts', () => {
  test.each([
    [
      'with ports and options',
      'amqp://u:p@h1:5672,h2:5673/shop?heartbeat=5',
      ['amqp://u:p@h1:5672/shop?heartbeat=5', 'amqp://u:p@h2:5673/shop?heartbeat=5'],
    ],
    ['of hosts alone', 'amqp://h1,h2', ['amqp://h1', 'amqp://h2']],
    [
      'with IPv6 and a comma in its password',
      'postgres://u:a,b@h1,[::1]:5433/db?target_session_attrs=any',
      [
        'postgres://u:a,b@h1/db?target_session_attrs=any',
        'postgres://u:a,b@[::1]:5433/db?target_session_attrs=any',
      ],
    ],
    [
      'of whole URLs',
      'amqps://u:p@h1/v, amqps://u:p@h2:5671/v',
      ['amqps://u:p@h1/v', 'amqps://u:p@h2:5671/v'],
    ],
    ['of URLs with and without a slash', 'amqp://h1:1/,amqp://h2:2', ['amqp://h1:1/', 'amqp://h2:2']],
  ])('a list %s is one URL for each host', (_, url, expected) => {
    expect(listHosts(url)).toEqual(expected);
  });

  test.each([
    'amqp://guest:guest@localhost:5672/%2f',
    'postgres:///shop?host=/var/run/postgresql',
    'postgres://u:a@b@host/db',
    'postgres://%2Fvar%2Frun/db',
  ])('%s has one host and stays as it is', (url) => {
    expect(listHosts(url)).toEqual([url]);
  });

  test('the name of a host contains no user and no password', () => {
    expect(['amqp://u:p@h1:5672/v', 'postgres://h2/db', 'amqp://u:p@[::1]:1/'].map(nameHost)).toEqual([
      'h1:5672',
      'h2',
      '[::1]:1',
    ]);
  });
});

describe('a URL that is ambiguous or wrong', () => {
  const rabbitmq = 'WEIR_DATA_RABBITMQ_URL';
  const postgres = 'WEIR_DATA_DATABASE_SOURCE';
  const once = 'user and password once, before the first host';
  const either = 'either one URL with several hosts';
  const eachSide = 'a host or host:port on each side of a comma';
  const beforePath = 'several hosts as h1:5432,h2:5432 before the path';
  const target = 'target_session_attrs=read-write or primary';
  const differ = 'URLs that differ in host and port only, with the same user, password, path and options';

  test.each([
    ['other virtual hosts', rabbitmq, 'amqp://u:hunter2@h1/v,amqp://u:hunter2@h2/w', differ],
    ['other schemes', rabbitmq, 'amqp://u:hunter2@h1/v,amqps://u:hunter2@h2/v', differ],
    ['other users', rabbitmq, 'amqp://u:hunter2@h1,amqp://h2', differ],
    ['other options', rabbitmq, 'amqp://u:hunter2@h1?heartbeat=5,amqp://u:hunter2@h2', differ],
    ['a user for each host', rabbitmq, 'amqp://u:hunter2@h1,u:hunter2@h2/v', once],
    ['a list of lists', rabbitmq, 'amqp://u:hunter2@h1,h2/v,amqp://u:hunter2@h3/v', either],
    ['an empty place', rabbitmq, 'amqp://u:hunter2@h1,,h2/v', eachSide],
    ['a user without an @', rabbitmq, 'amqp://u:hunter2,h2/v', eachSide],
    ['a port that does not exist', rabbitmq, 'amqp://u:hunter2@h1:5672,h2:66000/v', eachSide],
    ['a host twice', rabbitmq, 'amqp://u:hunter2@h1:5672,h1:5672/v', 'each host once'],
    ['no scheme', rabbitmq, 'h1:5672,h2:5672', 'an amqp:// URL'],
    ['the scheme of another store', rabbitmq, 'redis://h1,h2', 'an amqp:// URL'],
    ['hosts in an option', postgres, 'postgres:///db?host=h1,h2', beforePath],
    ['standbys only', postgres, 'postgres://u:hunter2@h1,h2/db?target_session_attrs=standby', target],
    ['any session', postgres, 'postgres://u:hunter2@h1,h2/db?target_session_attrs=any', target],
    ['a host of PostgreSQL twice', postgres, 'postgres://u:hunter2@h1,h1/db', 'each host once'],
  ])('a list with %s is refused in one sentence', (_, variable, url, sentence) => {
    const message = catchConfigError(() => readConfig(undefined, { [variable]: url }));
    const [, line = '', ...more] = message.split('\n');
    expect(more).toEqual([]);
    expect(line).toContain(`expected ${sentence}`);
    expect(line).not.toContain('hunter2');
  });
});

test('the password of a URL with several hosts never reaches a log', () => {
  const { config } = readConfig(undefined, {
    WEIR_DATA_RABBITMQ_URL: 'amqp://u:hunter@2@h1/v,amqp://u:hunter@2@h2/v',
    WEIR_DATA_DATABASE_SOURCE: 'postgres://u:sword%2Bfish@h1/db',
  });
  const redact = createRedactor(config);
  expect(redact('hunter%402 and sword%2Bfish and sword+fish')).toBe('*** and *** and ***');
});
