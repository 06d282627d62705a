import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Config, ConfigError, readConfig } from '../../src/config/config.ts';
import { readVariables, toVariable } from '../../src/config/config-variables.ts';
import { retiredSettings } from '../../src/config/retired.ts';
import type { Setting } from '../../src/config/setting.ts';
import { settings } from '../../src/config/settings.ts';
import { isLoopback, splitAddr } from '../../src/lib/address.ts';
import { createFolder } from '../support/stores.ts';

type Name = keyof Config;
interface Sample {
  /** As an environment variable says it, other than the default. */
  text: string;
  /** As a YAML file says it. */
  yaml: unknown;
  value: unknown;
  /** What a YAML file may hold by mistake. */
  wrong: unknown;
}

const keys = ['0123456789abcdef', 'fedcba9876543210'];
const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'];

/** One for every setting: without it a new one does not compile here. */
const samples: Record<Name, Sample> = {
  addr: sample('localhost:9000', 'no port'),
  hosts: sample('shop.example,www.shop.example', 5, ['shop.example', 'www.shop.example']),
  webhookSecrets: sample(secrets.join(','), 5, secrets),
  saleAcknowledge: sample('fsync', 'disk'),
  saleUserRate: sample('0', -1, 0),
  saleAddressRate: sample('1000', 'many', 1000),
  saleMaxWaiting: sample('100', 0, 100),
  saleMaxLoopDelayMs: sample('250', 19, 250),
  operatorKeys: sample(keys.join(', '), { key: 1 }, keys),
  metrics: sample('read', 'closed'),
  trustedProxies: sample('10.0.0.0/8,::1', ['10.0.0.0/33'], ['10.0.0.0/8', '::1']),
  requestsPerMinute: sample('0', -1, 0),
  loginsPerMinute: sample('5', 'few', 5),
  maxConnections: sample('100', 0, 100),
  maxConnectionsPerAddress: sample('100', 0, 100),
  headersTimeoutMs: sample('100', 99, 100),
  keepAliveMs: sample('620000', 999, 620_000),
  drainMs: sample('0', 600_001, 0),
  roles: sample('ingest,relay', 'ingest,cook', ['ingest', 'relay']),
  databaseSource: sample('postgres://weir:pw@db:5432/shop', 'mysql://weir:pw@db/shop'),
  databaseConnections: sample('20', 1, 20),
  databaseSchema: sample('weir', 'pg_weir'),
  databaseTlsCa: sample('/etc/weir/ca.pem', 5),
  databaseTlsCert: sample('/etc/weir/client.pem', 5),
  databaseTlsKey: sample('/etc/weir/client.key', 5),
  migrate: sample('false', 'maybe', false),
  redisAddr: sample('redis.internal:6379', 'redis.internal'),
  redisTlsCa: sample('/etc/weir/ca.pem', 5),
  redisTlsCert: sample('/etc/weir/client.pem', 5),
  redisTlsKey: sample('/etc/weir/client.key', 5),
  rabbitmqUrl: sample('amqps://weir:pw@mq', 'http://mq'),
  queue: sample('created', 'two words'),
  resultQueue: sample('answers', ''),
  releaseQueue: sample('releases', 'two words'),
  refundQueue: sample('refunds', 'two words'),
  queueType: sample('classic', 'stream'),
  rabbitmqTlsCa: sample('/etc/weir/ca.pem', 5),
  rabbitmqTlsCert: sample('/etc/weir/client.pem', 5),
  rabbitmqTlsKey: sample('/etc/weir/client.key', 5),
  managementUrl: sample('http://rabbit:15672', 'ftp://rabbit'),
  deadLetterQueue: sample('weir.dead-letter', 'a queue'),
  embeddedFolder: sample('/var/lib/weir', ''),
  batchSize: sample('400', 501, 400),
  minIdleMs: sample('100', 99, 100),
  lanes: sample('4', '4x', 4),
  highWater: sample('1', true, 1),
  expireOrdersAfterMs: sample('1000', 999, 1_000),
  overdueDeadlineMs: sample('100', 99, 100),
  maxPublications: sample('1', 0, 1),
  auditEveryMs: sample('0', 999, 0),
  archiveAfterMs: sample('86400000', 86_399_999, 86_400_000),
  archiveFolder: sample('/var/lib/weir/archive', ''),
  parkedKeptMs: sample('0', 5, 0),
  idempotencyKeptMs: sample('86400000', 5, 86_400_000),
  simulateResource: sample('true', 'perhaps'),
  resourceDelayMs: sample('0', -1, 0),
  resourceFailPercent: sample('12.5', 101, 12.5),
  resourceSilentPercent: sample('100', -1, 100),
  resourceLatePercent: sample('0.1', '1e1', 0.1),
  resourceLateMs: sample('5', 'soon', 5),
  resourceRepeatPercent: sample('5', '5 %', 5),
  resourceContradictPercent: sample('1', 'one', 1),
  demo: sample('false', 'perhaps'),
  backlogEveryMs: sample('0', 999, 0),
  logLevel: sample('debug', 'loud'),
  logFormat: sample('json', 'xml'),
};

function sample(text: string, wrong: unknown, value: unknown = text): Sample {
  return { text, yaml: value, value, wrong };
}

const names = Object.keys(settings) as Name[];
const table: [Name, Setting<unknown>][] = Object.entries(settings) as [Name, Setting<unknown>][];
const keyOf = (name: Name) => settings[name].key;

/** The file's text, from keys with dots. */
function toYaml(entries: Iterable<readonly [string, unknown]>): string {
  const document: Record<string, unknown> = {};
  for (const [key, value] of entries) {
    const path = key.split('.');
    const last = path.pop() as string;
    let group = document;
    for (const part of path) {
      group[part] ??= {};
      group = group[part] as Record<string, unknown>;
    }
    group[last] = value;
  }
  return stringify(document);
}

async function createFile(content: string): Promise<string> {
  const file = join(await createFolder(), 'config.yaml');
  await writeFile(file, content);
  return file;
}

async function readFile(
  content: string,
  env: NodeJS.ProcessEnv = {},
  flags: Partial<Record<Name, unknown>> = {},
) {
  return readConfig(await createFile(content), env, flags);
}

function catchConfigError(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

const safe = { WEIR_SERVER_HTTP_WEBHOOKSECRETS: secrets[0], WEIR_SERVER_HTTP_OPERATORKEYS: keys[0] };

describe('every setting', () => {
  test.each(table)('%s has a key, a sentence and an expectation', (_, { key, sentence, expected }) => {
    expect(key).toMatch(/^[a-z]+(\.[a-zA-Z]+)+$/);
    expect(sentence).toMatch(/^[^\s].{10,}\.$/);
    expect(expected).toMatch(/^[^\s].*[^.]$/);
  });

  test('every setting has a key and an environment variable of its own', () => {
    expect(new Set(names.map(keyOf)).size).toBe(names.length);
    expect(new Set(names.map(keyOf).map(toVariable)).size).toBe(names.length);
    expect(toVariable('data.database.source')).toBe('WEIR_DATA_DATABASE_SOURCE');
  });

  test('every setting has a default that its own parser accepts', () => {
    for (const [name, { default: value, parse }] of table) expect(parse(value), name).toEqual(value);
  });

  test.each(names)('%s can be given by its environment variable', (name) => {
    const { text, value } = samples[name];
    const { config } = readConfig(undefined, { ...safe, [toVariable(keyOf(name))]: text });
    expect(config[name]).toEqual(value);
    expect(value).not.toEqual(settings[name].default);
  });

  test.each(names)('%s can be given in the file', async (name) => {
    const { yaml, value } = samples[name];
    const { [toVariable(keyOf(name))]: _, ...others } = safe as NodeJS.ProcessEnv;
    const { config, warnings } = await readFile(toYaml([[keyOf(name), yaml]]), others);
    expect(config[name]).toEqual(value);
    expect(warnings).toEqual([]);
  });

  test.each(names)('%s refuses what it does not expect, and says what that would be', async (name) => {
    const { key, expected } = settings[name];
    const file = await createFile(toYaml([[key, samples[name].wrong]]));
    const message = catchConfigError(() => readConfig(file, {}));
    expect(message).toContain('a mistake:');
    expect(message).toContain(`${key} = `);
    expect(message).toContain(`expected ${expected}`);
  });

  test('every setting can be left out, or left empty in the file', async () => {
    const defaults = Object.fromEntries(table.map(([name, { default: value }]) => [name, value]));
    expect(readConfig(undefined, {}).config).toEqual(defaults);
    expect((await readFile('')).config).toEqual(defaults);
    expect((await readFile('# nothing\n')).config).toEqual(defaults);
    expect((await readFile(toYaml(names.map((name) => [keyOf(name), null])))).config).toEqual(defaults);
    expect((await readFile('server:\n  http:\ndata:\n')).config).toEqual(defaults);
  });
});

describe('what a setting expects can be written as people write it', () => {
  test.each([
    ['demo.enabled: true', 'demo', 'true'],
    ['demo.enabled: false', 'demo', 'false'],
    ['data.database.migrate: true', 'migrate', true],
    ['data.database.migrate: "false"', 'migrate', false],
    ['seckill.batchSize: 7', 'batchSize', 7],
    ['seckill.batchSize: "7"', 'batchSize', 7],
    ['server.http.hosts: shop.example', 'hosts', ['shop.example']],
    ['server.http.hosts: [a.example, b.example]', 'hosts', ['a.example', 'b.example']],
    ['server.roles: [relay]', 'roles', ['relay']],
    ['server.http.addr: "[::1]:8000"', 'addr', '[::1]:8000'],
    ['data.redis.addr: redis://localhost:6379/2', 'redisAddr', 'redis://localhost:6379/2'],
    ['data.redis.addr: rediss://user:pw@cache:6380', 'redisAddr', 'rediss://user:pw@cache:6380'],
  ] as [string, Name, unknown][])('%s', async (line, name, value) => {
    const [key = '', written = ''] = line.split(/: (.*)/);
    const path = key.split('.');
    const yaml = path.map((part, depth) => `${'  '.repeat(depth)}${part}:`).join('\n');
    expect((await readFile(`${yaml} ${written}\n`, safe)).config[name]).toEqual(value);
  });
});

describe('a mistake', () => {
  test('a mistake is never alone: all are reported with key, value and expectation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray(names, { minLength: 1 }), async (wrong) => {
        const file = await createFile(toYaml(wrong.map((name) => [keyOf(name), samples[name].wrong])));
        const [head, ...lines] = catchConfigError(() => readConfig(file, {})).split('\n');
        expect(head).toContain(wrong.length === 1 ? 'a mistake' : `${wrong.length} mistakes`);
        const expectedLines = wrong.map((name) => {
          const { key, expected, secret } = settings[name] as Setting<unknown>;
          return `  ${key} = ${secret ? '(not shown)' : JSON.stringify(samples[name].wrong)}: expected ${expected}`;
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
    const message = catchConfigError(() => readConfig(file, { WEIR_LOG_LEVEL: 'loud' }, { roles: 'cook' }));
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
      name: fc.constantFrom(...names),
      at: fc.nat({ max: 40 }),
      letter: fc.constantFrom('', 'x', 'Q'),
    });
    await fc.assert(
      fc.asyncProperty(anyTypo, async ({ name, at, letter }) => {
        const key = keyOf(name);
        const from = key.lastIndexOf('.') + 1 + (at % (key.length - key.lastIndexOf('.') - 1));
        const typo = key.slice(0, from) + letter + key.slice(from + 1);
        fc.pre(!names.some((other) => keyOf(other) === typo) && !typo.endsWith('.'));
        const file = await createFile(toYaml([[typo, 'x']]));
        expect(catchConfigError(() => readConfig(file, {}))).toMatch(/did you mean [a-z]+\.[a-zA-Z.]+\?/);
      }),
      { numRuns: 40 },
    );
  });
});

describe('a variable that would have no effect', () => {
  const read = (env: NodeJS.ProcessEnv) => catchConfigError(() => readConfig(undefined, env));

  test.each([
    ['WEIR_SERVER_HTTP_WEBHOKSECRETS', 'WEIR_SERVER_HTTP_WEBHOOKSECRETS'],
    ['WEIR_SERVER_HTTP_WEBHOOK_SECRETS', 'WEIR_SERVER_HTTP_WEBHOOKSECRETS'],
    ['WEIR_WEBHOOK_SECRETS', 'WEIR_SERVER_HTTP_WEBHOOKSECRETS'],
    ['WIER_SERVER_HTTP_WEBHOOKSECRETS', 'WEIR_SERVER_HTTP_WEBHOOKSECRETS'],
    ['WEIR_DATABASE_SOURCE', 'WEIR_DATA_DATABASE_SOURCE'],
    ['weir_log_level', 'WEIR_LOG_LEVEL'],
    ['Weir_Log_Level', 'WEIR_LOG_LEVEL'],
    ['WEIR_LOG__LEVEL', 'WEIR_LOG_LEVEL'],
    ['WEIR_DATA_DATABASE_MAX_CONNECTIONS', 'WEIR_DATA_DATABASE_MAXCONNECTIONS'],
  ])('%s is refused, and %s is proposed', (written, meant) => {
    const message = read({ [written]: 'hunter2' });
    expect(message).toContain(`${written} = (not shown)`);
    expect(message).toContain(`did you mean ${meant}?`);
    expect(message).not.toContain('hunter2');
  });

  test.each(['WEIR_SERVER_HTTP_OPERATORKEYS_0', 'WEIR_SERVER_HTTP_OPERATORKEYS_12'])(
    '%s, an index into a list, is refused with how a list is written',
    (written) => {
      expect(read({ [written]: keys[0] })).toContain(
        'WEIR_SERVER_HTTP_OPERATORKEYS takes all items, separated by commas',
      );
    },
  );

  test.each(['WEIR_COFFEE', 'WEIR_', 'WEIR_DATA', 'WEIR_VERSION'])('%s points to the list', (written) => {
    expect(read({ [written]: 'x' })).toMatch(/`weir doctor --settings` lists them|did you mean/);
  });

  test.each([...names.map((name) => toVariable(keyOf(name))), 'WEIR_KEY', 'WEIR_URL'])(
    '%s must not be empty',
    (variable) => {
      for (const blank of ['', ' ', ' , ']) {
        const message = read({ ...safe, [variable]: blank });
        expect(message).toContain(`${variable} = (empty)`);
        expect(message).toContain('unset the variable');
      }
    },
  );

  test('a variable without effect is reported with the mistakes of the file', async () => {
    const file = await createFile('log:\n  level: loud\n');
    const message = catchConfigError(() => readConfig(file, { WEIR_LOG_LEVL: 'info' }));
    expect(message).toContain('2 mistakes');
  });

  test('a mistake of one letter in any variable is found, and its variable named', () => {
    const typo = fc.record({
      name: fc.constantFrom(...names),
      at: fc.nat(),
      letter: fc.constantFrom('', 'X', '_'),
    });
    fc.assert(
      fc.property(typo, ({ name, at, letter }) => {
        const variable = toVariable(keyOf(name));
        const from = 5 + (at % (variable.length - 5));
        const written = variable.slice(0, from) + letter + variable.slice(from + 1);
        fc.pre(!names.some((other) => toVariable(keyOf(other)) === written));
        expect(read({ [written]: 'x' })).toMatch(/did you mean WEIR_[A-Z_]+\?|takes all items/);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a variable that is no setting is left alone', () => {
  test.each([
    ...[
      'WEIR_KEY',
      'WEIR_URL',
      'WEIR_FAILPOINTS',
      'WEIR_SEEDED_BUG',
      'WEIR_TEST_POSTGRES',
      'WEIR_BENCH_REDIS',
    ],
    // What Kubernetes adds where services are named weir and weir-metrics.
    ...[
      'WEIR_SERVICE_HOST',
      'WEIR_SERVICE_PORT',
      'WEIR_SERVICE_PORT_HTTP',
      'WEIR_PORT',
      'WEIR_PORT_8000_TCP',
    ],
    ...['WEIR_PORT_8000_TCP_ADDR', 'WEIR_PORT_8000_TCP_PORT', 'WEIR_METRICS_SERVICE_HOST'],
    ...['WEIR_METRICS_SERVICE_PORT_HTTP', 'WEIR_METRICS_PORT', 'WEIR_METRICS_PORT_9090_TCP_PROTO'],
    // Other programs' variables.
    ...['MYAPP_LOG_LEVEL', 'WEB_LOG_LEVEL', 'WEIRDO_COLOR', 'WIRE_MOCK', 'LOG_LEVEL', 'PATH'],
  ])('%s', (name) => {
    expect(readConfig(undefined, { [name]: 'x' }).config.logLevel).toBe('info');
  });

  test('a variable in any case matches where the environment ignores case', () => {
    const env = { Weir_Log_Level: 'debug', weir_key: 'x', Weir_Port: '1' };
    const { values, mistakes } = readVariables(env, Object.values(settings), true);
    expect([...values]).toEqual([['log.level', 'debug']]);
    expect(mistakes).toEqual([]);
  });
});

describe('the file', () => {
  test.each([
    ['that is not there', undefined],
    ['that is not YAML', 'server: [unclosed'],
    ['with a key twice', 'log:\n  level: info\n  level: warn\n'],
  ])('%s is a mistake of --config, with its name', async (_, content) => {
    const file = content === undefined ? join(await createFolder(), 'none.yaml') : await createFile(content);
    const message = catchConfigError(() => readConfig(file, {}));
    expect(message).toContain(`--config = ${file}`);
    expect(message).toContain('a readable YAML file');
  });

  test.each(['just text', '[1, 2]', '5'])('that holds %s is a mistake', async (content) => {
    const file = await createFile(content);
    expect(catchConfigError(() => readConfig(file, {}))).toContain('(the file)');
  });

  test('lies below the environment, and the environment below flags', async () => {
    const yaml = toYaml([
      ['log.level', 'debug'],
      ['log.format', 'json'],
      ['outbox.lanes', 3],
      ['seckill.batchSize', 10],
    ]);
    const env = { WEIR_LOG_LEVEL: 'warn', WEIR_OUTBOX_LANES: '5', WEIR_LOG_FORMAT: undefined };
    const { config } = await readFile(yaml, env, { logLevel: 'error', lanes: undefined });
    expect(config).toMatchObject({ batchSize: 10, logFormat: 'json', lanes: 5, logLevel: 'error' });
  });

  test('the file may be wrong where the environment is right', async () => {
    const { config } = await readFile(toYaml([['outbox.lanes', 0]]), { WEIR_OUTBOX_LANES: '2' });
    expect(config.lanes).toBe(2);
  });

  test('the file of the repository is valid and means the servers of this machine', () => {
    const file = fileURLToPath(new URL('../../configs/config.yaml', import.meta.url));
    const { config, warnings } = readConfig(file, {});
    expect(warnings).toEqual([]);
    expect(config.addr).toBe('127.0.0.1:8000');
    expect(config.databaseSource).toMatch(/^postgres:\/\//);
    expect(config.redisAddr).toMatch(/:6379$/);
    expect(config.rabbitmqUrl).toMatch(/^amqp:\/\//);
    expect([config.queue, config.resultQueue]).toEqual([
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
    expect(config).toMatchObject({
      addr: '127.0.0.1:8001',
      databaseSource: 'postgres://localhost/shop',
      redisAddr: '127.0.0.1:6379',
    });
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

describe('a secret never stands in a message', () => {
  const password = 'hunter2';
  const secretSettings = table.filter(([, { secret }]) => secret);

  test('some settings hold a secret', () => {
    expect(secretSettings.map(([name]) => name).sort()).toEqual([
      'databaseSource',
      'managementUrl',
      'operatorKeys',
      'rabbitmqUrl',
      'redisAddr',
      'webhookSecrets',
    ]);
  });

  test.each(secretSettings)('%s with a value that it does not expect', async (_, { key }) => {
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
      'beside a mistake in YAML',
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

  test('nor in a warning', async () => {
    const { warnings } = await readFile(`server:\n  grpc:\n    token: ${password}\n`);
    expect(warnings).toHaveLength(1);
    expect(warnings.join()).not.toContain(password);
  });

  test('nor with another address that is not safe', () => {
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

  test.each(open)('%s is refused without webhook secrets and operator keys', (addr) => {
    const message = catchConfigError(() => readConfig(undefined, { WEIR_SERVER_HTTP_ADDR: addr }));
    expect(message).toContain('server.http.webhookSecrets = (empty)');
    expect(message).toContain('server.http.operatorKeys = (empty)');
    expect(message).toContain(addr);
  });

  test.each([
    ['webhook secrets', 'WEIR_SERVER_HTTP_WEBHOOKSECRETS', 'server.http.webhookSecrets'],
    ['operator keys', 'WEIR_SERVER_HTTP_OPERATORKEYS', 'server.http.operatorKeys'],
  ] as const)('is refused without %s alone', (_, variable, key) => {
    const env = { ...safe, WEIR_SERVER_HTTP_ADDR: '0.0.0.0:8000', [variable]: undefined };
    const message = catchConfigError(() => readConfig(undefined, env));
    expect(message).toContain('a mistake');
    expect(message).toContain(`${key} = (empty)`);
  });

  test.each(open)('%s is accepted with both', (addr) => {
    expect(readConfig(undefined, { ...safe, WEIR_SERVER_HTTP_ADDR: addr }).config.addr).toBe(addr);
  });

  test.each(['127.0.0.1:8000', '127.1.2.3:0', 'localhost:8000', '[::1]:8000'])(
    'is not %s, which needs neither',
    (addr) => {
      expect(readConfig(undefined, { WEIR_SERVER_HTTP_ADDR: addr }).config.addr).toBe(addr);
    },
  );

  test.each([
    ['server.http.hosts', { WEIR_SERVER_HTTP_HOSTS: 'shop.example' }],
    ['server.http.trustedProxies', { WEIR_SERVER_HTTP_TRUSTEDPROXIES: '127.0.0.1' }],
  ])('is also a loopback address for which %s is set', (key, env) => {
    const message = catchConfigError(() => readConfig(undefined, env));
    const because =
      `expected at least one, because 127.0.0.1:8000 can be reached from other machines ` +
      `through a proxy, for which ${key} is set`;
    expect(message).toContain(`server.http.webhookSecrets = (empty): ${because}`);
    expect(message).toContain(`server.http.operatorKeys = (empty): ${because}`);
    expect(readConfig(undefined, { ...env, ...safe }).config.addr).toBe('127.0.0.1:8000');
    expect(readConfig(undefined, { ...env, WEIR_SERVER_ROLES: 'relay' }).config.roles).toEqual(['relay']);
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
  ])('is %j', (host) => {
    expect(isLoopback(host)).toBe(false);
  });

  test('an address is not judged where this process does not answer HTTP', () => {
    const env = { WEIR_SERVER_HTTP_ADDR: '0.0.0.0:8000', WEIR_SERVER_ROLES: 'ingest,relay' };
    expect(readConfig(undefined, env).config.roles).toEqual(['ingest', 'relay']);
  });
});

describe('what starts only to fail later is refused at once', () => {
  test.each([
    ['a port that does not exist', 'WEIR_SERVER_HTTP_ADDR', '127.0.0.1:65536'],
    ['an operator key that can be guessed', 'WEIR_SERVER_HTTP_OPERATORKEYS', 'short'],
    ['one key out of two that can be guessed', 'WEIR_SERVER_HTTP_OPERATORKEYS', `${keys[0]},short`],
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
  ])('%s', (_, variable, value) => {
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
    expect(readConfig(undefined, { ...env, WEIR_OUTBOX_LANES: '3' }).config.lanes).toBe(3);
    expect(readConfig(undefined, { ...env, WEIR_SERVER_ROLES: 'http' }).config.lanes).toBe(4);
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
      for (const one of config.webhookSecrets) expect(() => new Webhook(one)).not.toThrow();
    }),
    { numRuns: 500 },
  );
  expect(accepted).toBeGreaterThan(0);
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
    '%s stops the start with what took its place',
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
      expect(Object.values(settings).map((each) => each.key)).not.toContain(key);
    },
  );

  test('the new name of a retired setting exists', () => {
    const names = new Set(Object.values(settings).map(({ key }) => key));
    const named = Object.values(retiredSettings).flatMap(
      (text) => text.match(/\b[a-z]+\.[a-zA-Z]+\b/g) ?? [],
    );
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((key) => !names.has(key))).toEqual([]);
  });
});
