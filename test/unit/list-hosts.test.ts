import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { listHosts, nameHost } from '../../src/lib/list-hosts.ts';
import { createRedactor } from '../../src/ops/telemetry/logs/redact.ts';
import { catchConfigError } from './config-samples.ts';

describe('a URL with several hosts', () => {
  test.each([
    [
      'amqp://u:p@h1:5672,h2:5673/shop?heartbeat=5',
      ['amqp://u:p@h1:5672/shop?heartbeat=5', 'amqp://u:p@h2:5673/shop?heartbeat=5'],
    ],
    ['amqp://h1,h2', ['amqp://h1', 'amqp://h2']],
    [
      'postgres://u:a,b@h1,[::1]:5433/db?target_session_attrs=any',
      [
        'postgres://u:a,b@h1/db?target_session_attrs=any',
        'postgres://u:a,b@[::1]:5433/db?target_session_attrs=any',
      ],
    ],
    ['amqps://u:p@h1/v, amqps://u:p@h2:5671/v', ['amqps://u:p@h1/v', 'amqps://u:p@h2:5671/v']],
    ['amqp://h1:1/,amqp://h2:2', ['amqp://h1:1/', 'amqp://h2:2']],
  ])('%s is one URL for each host', (url, expected) => {
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
  const differ = 'URLs that differ in host and port only, with the same user, password, path and options';

  test.each([
    [rabbitmq, 'amqp://u:hunter2@h1/v,amqp://u:hunter2@h2/w', differ],
    [rabbitmq, 'amqp://u:hunter2@h1/v,amqps://u:hunter2@h2/v', differ],
    [rabbitmq, 'amqp://u:hunter2@h1,amqp://h2', differ],
    [rabbitmq, 'amqp://u:hunter2@h1?heartbeat=5,amqp://u:hunter2@h2', differ],
    [rabbitmq, 'amqp://u:hunter2@h1,u:hunter2@h2/v', 'user and password once, before the first host'],
    [rabbitmq, 'amqp://u:hunter2@h1,h2/v,amqp://u:hunter2@h3/v', 'either one URL with several hosts'],
    [rabbitmq, 'amqp://u:hunter2@h1,,h2/v', 'a host or host:port on each side of a comma'],
    [rabbitmq, 'amqp://u:hunter2,h2/v', 'a host or host:port on each side of a comma'],
    [rabbitmq, 'amqp://u:hunter2@h1:5672,h2:66000/v', 'a host or host:port on each side of a comma'],
    [rabbitmq, 'amqp://u:hunter2@h1:5672,h1:5672/v', 'each host once'],
    [rabbitmq, 'h1:5672,h2:5672', 'an amqp:// URL'],
    [rabbitmq, 'redis://h1,h2', 'an amqp:// URL'],
    [postgres, 'postgres://h1,h2/db?target_session_attrs=standby', 'any, read-write, primary: Weir writes'],
    [postgres, 'postgres://h1,h2/db?host=h3', 'several hosts before the database'],
    [postgres, 'postgres:///db?host=h1,h2', 'several hosts before the database'],
  ])('%s = %s is refused in one sentence', (variable, url, sentence) => {
    const [, line = '', ...more] = catchConfigError(() => readConfig(undefined, { [variable]: url })).split(
      '\n',
    );
    expect(more).toEqual([]);
    expect(line).toContain(
      `expected ${sentence.startsWith('any') ? 'target_session_attrs of ' : ''}${sentence}`,
    );
    expect(line).not.toContain('hunter2');
  });
});

test('the password of a URL with several hosts never reaches a log', () => {
  const { config } = readConfig(undefined, {
    WEIR_DATA_RABBITMQ_URL: 'amqp://u:hunter@2@h1/v,amqp://u:hunter@2@h2/v',
    WEIR_DATA_DATABASE_SOURCE: 'postgres://u:sword%2Bfish@h1,h2/db',
  });
  const redact = createRedactor(config);
  expect(redact('hunter%402 and sword%2Bfish and sword+fish')).toBe('*** and *** and ***');
});
