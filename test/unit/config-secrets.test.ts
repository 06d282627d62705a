import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { type Config, readConfig } from '../../src/config/config.ts';
import { toVariable } from '../../src/config/config-variables.ts';
import { isLoopback } from '../../src/lib/address.ts';
import { catchConfigError, createFile, readFile, safe, table, toYaml } from './config-samples.ts';

describe('a secret never stands in a message', () => {
  const password = 'hunter2';
  const secretSettings = table.filter(([, { isSecret }]) => isSecret);

  test('some settings hold a secret', () => {
    expect(secretSettings.map(([key]) => key).sort()).toEqual([
      'data.database.source',
      'data.rabbitmq.managementUrl',
      'data.rabbitmq.url',
      'data.redis.addr',
      'server.http.operatorKeys',
      'server.http.webhookSecrets',
    ]);
  });

  test.each(secretSettings)('no message shows an invalid value of %s', async (key) => {
    for (const wrong of [{ [password]: password }, [[password]], [{ password }]]) {
      const file = await createFile(toYaml([[key, wrong]]));
      expect(catchConfigError(() => readConfig(file, {}))).not.toContain(password);
    }
    const variable = toVariable(key);
    for (const wrong of [`mysql://weir:${password}@db/shop`, `weir ${password}`, `http:/${password}`]) {
      let message = '';
      try {
        readConfig(undefined, { [variable]: wrong });
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message).not.toContain(password);
    }
  });

  test.each([
    ['under a misspelt key', `data:\n  database:\n    sorce: postgres://weir:${password}@db/shop\n`],
    ['under a key of another program', `data:\n  mysql:\n    dsn: weir:${password}@tcp(db)/shop\n`],
    ['where a group belongs', `data:\n  rabbitmq: amqp://weir:${password}@mq\n`],
    ['in the place of the whole file', `postgres://weir:${password}@db/shop\n`],
    ['in a list of its own', `data:\n  database:\n    sources: [postgres://weir:${password}@db/shop]\n`],
    [
      'next to a mistake in YAML',
      `data:\n  database:\n    source: postgres://weir:${password}@db/shop: extra\n`,
    ],
    [
      'above a line that is not YAML',
      `data:\n  rabbitmq:\n    url: "amqp://weir:${password}@mq\n    queue: created\n`,
    ],
    ['that begins like an alias of YAML', `server:\n  http:\n    operatorKeys: *${password}hunter2hunter2\n`],
    ['that begins like a block of YAML', `server:\n  http:\n    operatorKeys: |${password}hunter2hunter2\n`],
    ['that begins like a tag of YAML', `server:\n  http:\n    operatorKeys: !x!${password}hunter2 hunter2\n`],
    [
      'in a key that stands twice',
      `data:\n  rabbitmq:\n    url: amqp://mq\n    url: amqp://weir:${password}@mq\n`,
    ],
  ])('%s', async (_, content) => {
    const file = await createFile(content);
    expect(catchConfigError(() => readConfig(file, {}))).not.toContain(password);
  });

  test('no warning contains a secret', async () => {
    const { warnings } = await readFile(`server:\n  grpc:\n    token: ${password}\n`);
    expect(warnings).toHaveLength(1);
    expect(warnings.join()).not.toContain(password);
  });

  test('no message about an unsafe address contains a secret', () => {
    const env = {
      WEIR_SERVER_HTTP_ADDR: '0.0.0.0:80',
      WEIR_SERVER_HTTP_OPERATORKEYS: `${password}${password}xx`,
    };
    expect(catchConfigError(() => readConfig(undefined, env))).not.toContain(password);
  });
});

describe('an address that other machines can reach', () => {
  const open = [
    '0.0.0.0:8000',
    ':8000',
    '[::]:8000',
    '10.0.0.5:8000',
    'shop.example:8000',
    '0:8000',
    '*:8000',
  ];

  test.each(open)('the exposed address %s is refused without keys and secrets', (addr) => {
    const message = catchConfigError(() => readConfig(undefined, { WEIR_SERVER_HTTP_ADDR: addr }));
    expect(message).toContain('server.http.webhookSecrets = (empty)');
    expect(message).toContain('server.http.operatorKeys = (empty)');
    expect(message).toContain(addr);
  });

  test.each([
    ['webhook secrets', 'WEIR_SERVER_HTTP_WEBHOOKSECRETS', 'server.http.webhookSecrets'],
    ['operator keys', 'WEIR_SERVER_HTTP_OPERATORKEYS', 'server.http.operatorKeys'],
  ] as const)('an exposed address is refused when only %s are missing', (_, variable, key) => {
    const env = { ...safe, WEIR_SERVER_HTTP_ADDR: '0.0.0.0:8000', [variable]: undefined };
    const message = catchConfigError(() => readConfig(undefined, env));
    expect(message).toContain('a mistake');
    expect(message).toContain(`${key} = (empty)`);
  });

  test.each(open)('the exposed address %s is accepted with keys and secrets', (addr) => {
    expect(readConfig(undefined, { ...safe, WEIR_SERVER_HTTP_ADDR: addr }).config.server.http.addr).toBe(
      addr,
    );
  });

  test.each(['127.0.0.1:8000', '127.1.2.3:0', 'localhost:8000', '[::1]:8000'])(
    'the address %s requires neither keys nor secrets',
    (addr) => {
      expect(readConfig(undefined, { WEIR_SERVER_HTTP_ADDR: addr }).config.server.http.addr).toBe(addr);
    },
  );

  test.each([
    ['server.http.hosts', { WEIR_SERVER_HTTP_HOSTS: 'shop.example' }],
    ['server.http.trustedProxies', { WEIR_SERVER_HTTP_TRUSTEDPROXIES: '127.0.0.1' }],
  ])('a loopback address counts as exposed when %s is set', (key, env) => {
    const message = catchConfigError(() => readConfig(undefined, env));
    const because =
      `expected at least one, because 127.0.0.1:8000 can be reached from other machines ` +
      `through a proxy, for which ${key} is set`;
    expect(message).toContain(`server.http.webhookSecrets = (empty): ${because}`);
    expect(message).toContain(`server.http.operatorKeys = (empty): ${because}`);
    expect(readConfig(undefined, { ...env, ...safe }).config.server.http.addr).toBe('127.0.0.1:8000');
    expect(readConfig(undefined, { ...env, WEIR_SERVER_ROLES: 'relay' }).config.server.roles).toEqual([
      'relay',
    ]);
  });

  test.each([
    '127.0.0.1.example.com',
    'localhost.example.com',
    'x127.0.0.1',
    '0.0.0.0',
    '::',
    '',
    '128.0.0.1',
    '1270.0.0.1',
  ])('the host %j is not loopback', (host) => {
    expect(isLoopback(host)).toBe(false);
  });

  test('an address is not judged where this process does not answer HTTP', () => {
    const env = { WEIR_SERVER_HTTP_ADDR: '0.0.0.0:8000', WEIR_SERVER_ROLES: 'ingest,relay' };
    expect(readConfig(undefined, env).config.server.roles).toEqual(['ingest', 'relay']);
  });
});

test('a webhook secret that is accepted can be used', () => {
  let accepted = 0;
  const almostSecret = fc.stringMatching(/^(whsec_)?[A-Za-z0-9+/]{20,32}[=]{0,3}$/);
  fc.assert(
    fc.property(almostSecret, (secret) => {
      const read = () => readConfig(undefined, { WEIR_SERVER_HTTP_WEBHOOKSECRETS: secret }).config;
      let config: Config;
      try {
        config = read();
      } catch {
        return;
      }
      accepted++;
      for (const one of config.server.http.webhookSecrets) expect(() => new Webhook(one)).not.toThrow();
    }),
    { numRuns: 500 },
  );
  expect(accepted).toBeGreaterThan(0);
});
