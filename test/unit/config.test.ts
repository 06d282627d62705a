import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { toVariable } from '../../src/config/config-variables.ts';
import { retiredSettings } from '../../src/config/retired.ts';
import { getSetting, valueAt } from '../../src/config/settings.ts';
import { splitAddr } from '../../src/lib/address.ts';
import { createFolder } from '../support/stores.ts';
import {
  catchConfigError,
  createFile,
  flatten,
  keys,
  operatorKeys,
  readFile,
  safe,
  sampleOf,
  samples,
  secrets,
  table,
  toYaml,
} from './config-samples.ts';

describe('every setting', () => {
  test('every setting has a sample here', () => {
    expect(Object.keys(samples).sort()).toEqual([...keys].sort());
  });

  test.each(table)('%s has a key, a sentence and an expectation', (key, { sentence, expected }) => {
    expect(key).toMatch(/^[a-z]+(\.[a-zA-Z]+)+$/);
    expect(sentence).toMatch(/^[^\s].{10,}\.$/);
    expect(sentence, 'when to change it').toMatch(/\b(Set|Change|Raise|Lower)\b/);
    expect(expected).toMatch(/^[^\s].*[^.]$/);
  });

  test('every setting has an environment variable of its own', () => {
    expect(new Set(keys.map(toVariable)).size).toBe(keys.length);
    expect(toVariable('data.database.source')).toBe('WEIR_DATA_DATABASE_SOURCE');
  });

  test('every setting has a default that its own parser accepts', () => {
    for (const [name, { default: value, parse }] of table) expect(parse(value), name).toEqual(value);
  });

  test.each(keys)('%s can be given by its environment variable', (key) => {
    const { text, value } = sampleOf(key);
    const { config } = readConfig(undefined, { ...safe, [toVariable(key)]: text });
    expect(valueAt(config, key)).toEqual(value);
    expect(value).not.toEqual(getSetting(key).default);
  });

  test.each(keys)('%s can be given in the file', async (key) => {
    const { yaml, value } = sampleOf(key);
    const { [toVariable(key)]: _, ...others } = safe as NodeJS.ProcessEnv;
    const { config, warnings } = await readFile(toYaml([[key, yaml]]), others);
    expect(valueAt(config, key)).toEqual(value);
    expect(warnings).toEqual([]);
  });

  test.each(keys)('%s refuses invalid values and names valid ones', async (key) => {
    const { expected } = getSetting(key);
    const file = await createFile(toYaml([[key, sampleOf(key).wrong]]));
    const message = catchConfigError(() => readConfig(file, {}));
    expect(message).toContain('a mistake:');
    expect(message).toContain(`${key} = `);
    expect(message).toContain(`expected ${expected}`);
  });

  test('every setting can be left out, or left empty in the file', async () => {
    const defaults = Object.fromEntries(table.map(([key, setting]) => [key, setting.default]));
    const read = async (content: string) => flatten((await readFile(content)).config);
    expect(flatten(readConfig(undefined, {}).config)).toEqual(defaults);
    expect(await read('')).toEqual(defaults);
    expect(await read('# nothing\n')).toEqual(defaults);
    expect(await read(toYaml(keys.map((key) => [key, null])))).toEqual(defaults);
    expect(await read('server:\n  http:\ndata:\n')).toEqual(defaults);
  });
});

describe('what a setting expects can be written as people write it', () => {
  test.each([
    ['demo.enabled: true', 'true'],
    ['demo.enabled: false', 'false'],
    ['data.database.migrate: true', true],
    ['data.database.migrate: "false"', false],
    ['seckill.batchSize: 7', 7],
    ['seckill.batchSize: "7"', 7],
    ['server.http.hosts: shop.example', ['shop.example']],
    ['server.http.hosts: [a.example, b.example]', ['a.example', 'b.example']],
    ['server.roles: [relay]', ['relay']],
    ['server.http.addr: "[::1]:8000"', '[::1]:8000'],
    ['data.redis.addr: redis://localhost:6379/2', 'redis://localhost:6379/2'],
    ['data.redis.addr: rediss://user:pw@cache:6380', 'rediss://user:pw@cache:6380'],
  ] as [string, unknown][])('a file may contain %s', async (line, value) => {
    const [key = '', written = ''] = line.split(/: (.*)/);
    const path = key.split('.');
    const yaml = path.map((part, depth) => `${'  '.repeat(depth)}${part}:`).join('\n');
    const { config } = await readFile(`${yaml} ${written}\n`, safe);
    expect(valueAt(config, key)).toEqual(value);
  });
});

describe('a mistake', () => {
  test('a mistake is never alone: all are reported with key, value and expectation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray(keys, { minLength: 1 }), async (wrong) => {
        const file = await createFile(toYaml(wrong.map((key) => [key, sampleOf(key).wrong])));
        const [head, ...lines] = catchConfigError(() => readConfig(file, {})).split('\n');
        expect(head).toContain(wrong.length === 1 ? 'a mistake' : `${wrong.length} mistakes`);
        const expectedLines = wrong.map((key) => {
          const { expected, isSecret } = getSetting(key);
          return `  ${key} = ${isSecret ? '(not shown)' : JSON.stringify(sampleOf(key).wrong)}: expected ${expected}`;
        });
        expect(lines.sort()).toEqual(expectedLines.sort());
      }),
      { numRuns: 30 },
    );
  });

  test('mistakes in file, environment, flag and key are reported together', async () => {
    const file = await createFile(
      toYaml([
        ['outbox.lanes', 0],
        ['outbox.lane', 1],
      ]),
    );
    const message = catchConfigError(() =>
      readConfig(file, { WEIR_LOG_LEVEL: 'loud' }, { 'server.roles': 'cook' }),
    );
    expect(message).toContain('4 mistakes');
    for (const part of [
      'outbox.lanes = 0',
      'outbox.lane = ',
      'log.level = "loud"',
      'server.roles = "cook"',
    ]) {
      expect(message).toContain(part);
    }
  });

  test('a mistake in a key names the intended key', async () => {
    for (const [wrong, meant] of [
      ['data.database.sorce', 'data.database.source'],
      ['outbox.Lanes', 'outbox.lanes'],
      ['seckill.batchsize', 'seckill.batchSize'],
      ['data.rabbitmq.queu', 'data.rabbitmq.queue'],
    ] as const) {
      const file = await createFile(toYaml([[wrong, 'x']]));
      expect(catchConfigError(() => readConfig(file, {}))).toContain(`did you mean ${meant}?`);
    }
  });

  test('a mistake in a key unlike any other points to the list', async () => {
    const file = await createFile('coffee: strong\n');
    expect(catchConfigError(() => readConfig(file, {}))).toMatch(
      /coffee = .*`weir doctor --settings` lists them/,
    );
  });

  test('a mistake of one letter in any key is found, and its key named', async () => {
    const anyTypo = fc.record({
      key: fc.constantFrom(...keys),
      at: fc.nat({ max: 40 }),
      letter: fc.constantFrom('', 'x', 'Q'),
    });
    await fc.assert(
      fc.asyncProperty(anyTypo, async ({ key, at, letter }) => {
        const from = key.lastIndexOf('.') + 1 + (at % (key.length - key.lastIndexOf('.') - 1));
        const typo = key.slice(0, from) + letter + key.slice(from + 1);
        fc.pre(!keys.includes(typo) && !typo.endsWith('.'));
        const file = await createFile(toYaml([[typo, 'x']]));
        expect(catchConfigError(() => readConfig(file, {}))).toMatch(/did you mean [a-z]+\.[a-zA-Z.]+\?/);
      }),
      { numRuns: 40 },
    );
  });
});

describe('the file', () => {
  test.each([
    ['that is not there', undefined],
    ['that is not YAML', 'server: [unclosed'],
    ['with a key twice', 'log:\n  level: info\n  level: warn\n'],
  ])('a file %s is reported as a mistake of --config', async (_, content) => {
    const file = content === undefined ? join(await createFolder(), 'none.yaml') : await createFile(content);
    const message = catchConfigError(() => readConfig(file, {}));
    expect(message).toContain(`--config = ${file}`);
    expect(message).toContain('a readable YAML file');
  });

  test.each(['just text', '[1, 2]', '5'])('a file that contains only %s is refused', async (content) => {
    const file = await createFile(content);
    expect(catchConfigError(() => readConfig(file, {}))).toContain('(the file)');
  });

  test('the environment overrides the file, and flags override both', async () => {
    const yaml = toYaml([
      ['log.level', 'debug'],
      ['log.format', 'json'],
      ['outbox.lanes', 3],
      ['seckill.batchSize', 10],
    ]);
    const env = { WEIR_LOG_LEVEL: 'warn', WEIR_OUTBOX_LANES: '5', WEIR_LOG_FORMAT: undefined };
    const { config } = await readFile(yaml, env, { 'log.level': 'error', 'outbox.lanes': undefined });
    expect(config.seckill.batchSize).toBe(10);
    expect(config.log).toEqual({ level: 'error', format: 'json' });
    expect(config.outbox.lanes).toBe(5);
  });

  test('the file may be wrong where the environment is right', async () => {
    const { config } = await readFile(toYaml([['outbox.lanes', 0]]), { WEIR_OUTBOX_LANES: '2' });
    expect(config.outbox.lanes).toBe(2);
  });

  test('the file of the repository is valid and means the servers of this machine', () => {
    const file = fileURLToPath(new URL('../../configs/config.yaml', import.meta.url));
    const { config, warnings } = readConfig(file, {});
    expect(warnings).toEqual([]);
    expect(config.server.http.addr).toBe('127.0.0.1:8000');
    expect(config.data.database.source).toMatch(/^postgres:\/\//);
    expect(config.data.redis.addr).toMatch(/:6379$/);
    expect(config.data.rabbitmq.url).toMatch(/^amqp:\/\//);
    expect([config.data.rabbitmq.queue, config.data.rabbitmq.resultQueue]).toEqual([
      'resource.instance.created',
      'product.instance.result',
    ]);
  });

  test('the file may carry the seed’s Kratos keys, and each unused one warns', async () => {
    const { config, warnings } = await readFile(`
server:
  http:
    network: tcp
    addr: 127.0.0.1:8001
    timeout: 1s
  grpc:
    addr: 0.0.0.0:9000
    timeout: 1s
data:
  database:
    driver: postgres
    source: postgres://localhost/shop
  redis:
    network: tcp
    addr: 127.0.0.1:6379
    read_timeout: 0.2s
    write_timeout: 0.2s
`);
    expect(config.server.http.addr).toBe('127.0.0.1:8001');
    expect(config.data.database.source).toBe('postgres://localhost/shop');
    expect(config.data.redis.addr).toBe('127.0.0.1:6379');
    const ignored = [
      'server.http.network',
      'server.http.timeout',
      'server.grpc.addr',
      'server.grpc.timeout',
      'data.database.driver',
      'data.redis.network',
      'data.redis.read_timeout',
      'data.redis.write_timeout',
    ];
    expect(warnings.map((warning) => warning.split(' ')[0])).toEqual(ignored);
  });
});

describe('what starts only to fail later is refused at once', () => {
  test.each([
    ['a port that does not exist', 'WEIR_SERVER_HTTP_ADDR', '127.0.0.1:65536'],
    ['an operator key that can be guessed', 'WEIR_SERVER_HTTP_OPERATORKEYS', 'short'],
    ['one key out of two that can be guessed', 'WEIR_SERVER_HTTP_OPERATORKEYS', `${operatorKeys[0]},short`],
    ['a webhook secret that is not Base64', 'WEIR_SERVER_HTTP_WEBHOOKSECRETS', 'whsec_%%%'],
    [
      'one webhook secret out of two that is not Base64',
      'WEIR_SERVER_HTTP_WEBHOOKSECRETS',
      `${secrets[0]},%%%`,
    ],
    ['a number with a sign', 'WEIR_OUTBOX_LANES', '+2'],
    ['a number with a unit', 'WEIR_SECKILL_MINIDLEMS', '60s'],
    ['an empty list of roles', 'WEIR_SERVER_ROLES', ''],
    ['an address without a scheme', 'WEIR_DATA_DATABASE_SOURCE', 'localhost:5432/shop'],
  ])('a start refuses %s', (_, variable, value) => {
    expect(catchConfigError(() => readConfig(undefined, { [variable]: value }))).toContain('expected');
  });
});

describe('the relay and the connections of the database', () => {
  const source = { WEIR_DATA_DATABASE_SOURCE: 'postgres://db/shop' };

  test('as many lanes as connections are refused by a sentence naming both settings', () => {
    const env = { ...source, WEIR_OUTBOX_LANES: '4', WEIR_DATA_DATABASE_MAXCONNECTIONS: '4' };
    const message = catchConfigError(() => readConfig(undefined, env));
    expect(message).toContain(
      'outbox.lanes = 4: expected fewer than data.database.maxConnections, which is 4',
    );
    expect(readConfig(undefined, { ...env, WEIR_OUTBOX_LANES: '3' }).config.outbox.lanes).toBe(3);
    expect(readConfig(undefined, { ...env, WEIR_SERVER_ROLES: 'http' }).config.outbox.lanes).toBe(4);
  });

  test('a client certificate without its key is refused, and so is a key alone', () => {
    for (const one of ['CERT', 'KEY']) {
      const env = { ...source, [`WEIR_DATA_DATABASE_TLS_${one}`]: '/etc/weir/client.pem' };
      const other = one === 'CERT' ? 'key' : 'cert';
      expect(catchConfigError(() => readConfig(undefined, env))).toContain(
        `data.database.tls.${other} = (empty)`,
      );
    }
  });
});

test('an address splits into host and port, however it is written', () => {
  expect(splitAddr('127.0.0.1:8000')).toEqual({ host: '127.0.0.1', port: 8000 });
  expect(splitAddr('[::1]:0')).toEqual({ host: '::1', port: 0 });
  expect(splitAddr(':8000')).toEqual({ host: '0.0.0.0', port: 8000 });
  expect(splitAddr('localhost:80')).toEqual({ host: 'localhost', port: 80 });
});

test.each([
  ['database', { WEIR_DATA_DATABASE_SOURCE: 'postgres://localhost/x' }],
  ['redis', { WEIR_DATA_REDIS_ADDR: 'localhost:6379' }],
  ['rabbitmq', { WEIR_DATA_RABBITMQ_URL: 'amqp://localhost' }],
])('a client certificate for %s without its key is refused', (store, address) => {
  const env = { ...address, [`WEIR_DATA_${store.toUpperCase()}_TLS_CERT`]: '/client.pem' };
  expect(() => readConfig(undefined, env)).toThrow(`data.${store}.tls.key = (empty)`);
});

test('a dead-letter queue that is another queue of Weir is refused', () => {
  const env = { WEIR_DATA_RABBITMQ_DEADLETTERQUEUE: 'product.instance.result' };
  expect(() => readConfig(undefined, env)).toThrow('data.rabbitmq.deadLetterQueue = product.instance.result');
});

describe('a setting of an earlier version', () => {
  test.each(Object.entries(retiredSettings))(
    'the retired setting %s fails a start with its replacement',
    async (key, sentence) => {
      const [group, name] = key.split('.') as [string, string];
      const file = await createFile(`${group}:\n  ${name}: 5\n`);
      expect(catchConfigError(() => readConfig(file, {}))).toContain(
        `${key} = (not shown): expected ${sentence}`,
      );
      const variable = toVariable(key);
      const message = catchConfigError(() => readConfig(undefined, { [variable]: '5' }));
      expect(message).toMatch(
        new RegExp(`${variable} = \\(not shown\\): expected (no value|its new name, WEIR_[A-Z_]+)`),
      );
      expect(keys).not.toContain(key);
    },
  );

  test('the new name of a retired setting exists', () => {
    const named = Object.values(retiredSettings).flatMap(
      (text) => text.match(/\b[a-z]+\.[a-zA-Z]+\b/g) ?? [],
    );
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((key) => !keys.includes(key))).toEqual([]);
  });
});
