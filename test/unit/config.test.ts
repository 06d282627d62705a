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
import { allSettings, getSetting, valueAt } from '../../src/config/settings.ts';
import { isLoopback, splitAddr } from '../../src/lib/address.ts';
import { createFolder } from '../support/stores.ts';

interface Sample {
  /** As an environment variable says it, other than the default. */
  text: string;
  /** As a YAML file says it. */
  yaml: unknown;
  value: unknown;
  /** What a YAML file may hold by mistake. */
  wrong: unknown;
}

const operatorKeys = ['0123456789abcdef', 'fedcba9876543210'];
const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'];

/** One for every setting. */
const samples: Readonly<Record<string, Sample>> = {
  'server.http.addr': sample('localhost:9000', 'no port'),
  'server.http.hosts': sample('shop.example,www.shop.example', 5, ['shop.example', 'www.shop.example']),
  'server.http.webhookSecrets': sample(secrets.join(','), 5, secrets),
  'sale.acknowledge': sample('fsync', 'disk'),
  'sale.userPerSecond': sample('0', -1, 0),
  'sale.addressPerSecond': sample('1000', 'many', 1000),
  'sale.maxWaiting': sample('100', 0, 100),
  'sale.maxLoopDelayMs': sample('250', 19, 250),
  'server.http.operatorKeys': sample(operatorKeys.join(', '), { key: 1 }, operatorKeys),
  'server.http.metrics': sample('read', 'closed'),
  'server.http.trustedProxies': sample('10.0.0.0/8,::1', ['10.0.0.0/33'], ['10.0.0.0/8', '::1']),
  'server.http.requestsPerMinute': sample('0', -1, 0),
  'server.http.loginsPerMinute': sample('5', 'few', 5),
  'server.http.maxConnections': sample('100', 0, 100),
  'server.http.maxConnectionsPerAddress': sample('100', 0, 100),
  'server.http.headersTimeoutMs': sample('100', 99, 100),
  'server.http.keepAliveMs': sample('620000', 999, 620_000),
  'server.http.drainMs': sample('0', 600_001, 0),
  'server.name': sample('staging', 5),
  'server.traceUrl': sample('https://traces.example/{traceId}', 'https://traces.example/'),
  'server.roles': sample('ingest,relay', 'ingest,cook', ['ingest', 'relay']),
  'data.database.source': sample('postgres://weir:pw@db:5432/shop', 'mysql://weir:pw@db/shop'),
  'data.database.maxConnections': sample('20', 1, 20),
  'data.database.schema': sample('weir', 'pg_weir'),
  'data.database.tls.ca': sample('/etc/weir/ca.pem', 5),
  'data.database.tls.cert': sample('/etc/weir/client.pem', 5),
  'data.database.tls.key': sample('/etc/weir/client.key', 5),
  'data.database.migrate': sample('false', 'maybe', false),
  'data.redis.addr': sample('redis.internal:6379', 'redis.internal'),
  'data.redis.tls.ca': sample('/etc/weir/ca.pem', 5),
  'data.redis.tls.cert': sample('/etc/weir/client.pem', 5),
  'data.redis.tls.key': sample('/etc/weir/client.key', 5),
  'data.rabbitmq.url': sample('amqps://weir:pw@mq', 'http://mq'),
  'data.rabbitmq.queue': sample('created', 'two words'),
  'data.rabbitmq.resultQueue': sample('answers', ''),
  'data.rabbitmq.releaseQueue': sample('releases', 'two words'),
  'data.rabbitmq.refundQueue': sample('refunds', 'two words'),
  'data.rabbitmq.queueType': sample('classic', 'stream'),
  'data.rabbitmq.tls.ca': sample('/etc/weir/ca.pem', 5),
  'data.rabbitmq.tls.cert': sample('/etc/weir/client.pem', 5),
  'data.rabbitmq.tls.key': sample('/etc/weir/client.key', 5),
  'data.rabbitmq.managementUrl': sample('http://rabbit:15672', 'ftp://rabbit'),
  'data.rabbitmq.deadLetterQueue': sample('weir.dead-letter', 'a queue'),
  'data.embedded.folder': sample('/var/lib/weir', ''),
  'seckill.batchSize': sample('400', 501, 400),
  'seckill.minIdleMs': sample('100', 99, 100),
  'outbox.lanes': sample('4', '4x', 4),
  'outbox.highWater': sample('1', true, 1),
  'orders.expireAfterMs': sample('1000', 999, 1_000),
  'overdue.deadlineMs': sample('100', 99, 100),
  'overdue.maxPublications': sample('1', 0, 1),
  'audit.everyMs': sample('0', 999, 0),
  'cleaning.archiveAfterMs': sample('86400000', 86_399_999, 86_400_000),
  'cleaning.archiveFolder': sample('/var/lib/weir/archive', ''),
  'cleaning.parkedAfterMs': sample('0', 5, 0),
  'cleaning.activityAfterMs': sample('31536000000', 5, 31_536_000_000),
  'cleaning.idempotencyAfterMs': sample('86400000', 5, 86_400_000),
  'resource.simulate': sample('true', 'perhaps'),
  'resource.delayMs': sample('0', -1, 0),
  'resource.failPercent': sample('12.5', 101, 12.5),
  'resource.silentPercent': sample('100', -1, 100),
  'resource.latePercent': sample('0.1', '1e1', 0.1),
  'resource.lateMs': sample('5', 'soon', 5),
  'resource.repeatPercent': sample('5', '5 %', 5),
  'resource.contradictPercent': sample('1', 'one', 1),
  'demo.enabled': sample('false', 'perhaps'),
  'metrics.backlogEveryMs': sample('0', 999, 0),
  'log.level': sample('debug', 'loud'),
  'log.format': sample('json', 'xml'),
};

function sample(text: string, wrong: unknown, value: unknown = text): Sample {
  return { text, yaml: value, value, wrong };
}

const keys = allSettings.map(({ key }) => key);
const table = allSettings.map(({ key, setting }) => [key, setting] as const);
const sampleOf = (key: string) => samples[key] as Sample;

/** By key. */
function flatten(config: Config): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, valueAt(config, key)]));
}

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
  flags: Readonly<Record<string, unknown>> = {},
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

const safe = { WEIR_SERVER_HTTP_WEBHOOKSECRETS: secrets[0], WEIR_SERVER_HTTP_OPERATORKEYS: operatorKeys[0] };

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

  test.each(keys)('%s refuses what it does not expect, and states what it does', async (key) => {
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
  ] as [string, unknown][])('%s', async (line, value) => {
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
      expect(read({ [written]: operatorKeys[0] })).toContain(
        'WEIR_SERVER_HTTP_OPERATORKEYS takes all items, separated by commas',
      );
    },
  );

  test.each(['WEIR_COFFEE', 'WEIR_', 'WEIR_DATA', 'WEIR_VERSION'])('%s points to the list', (written) => {
    expect(read({ [written]: 'x' })).toMatch(/`weir doctor --settings` lists them|did you mean/);
  });

  test.each([...keys.map(toVariable), 'WEIR_KEY', 'WEIR_URL'])('%s must not be empty', (variable) => {
    for (const blank of ['', ' ', ' , ']) {
      const message = read({ ...safe, [variable]: blank });
      expect(message).toContain(`${variable} = (empty)`);
      expect(message).toContain('unset the variable');
    }
  });

  test('a variable without effect is reported with the mistakes of the file', async () => {
    const file = await createFile('log:\n  level: loud\n');
    const message = catchConfigError(() => readConfig(file, { WEIR_LOG_LEVL: 'info' }));
    expect(message).toContain('2 mistakes');
  });

  test('a mistake of one letter in any variable is found, and its variable named', () => {
    const typo = fc.record({
      key: fc.constantFrom(...keys),
      at: fc.nat(),
      letter: fc.constantFrom('', 'X', '_'),
    });
    fc.assert(
      fc.property(typo, ({ key, at, letter }) => {
        const variable = toVariable(key);
        const from = 5 + (at % (variable.length - 5));
        const written = variable.slice(0, from) + letter + variable.slice(from + 1);
        fc.pre(!keys.map(toVariable).includes(written));
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
    expect(readConfig(undefined, { [name]: 'x' }).config.log.level).toBe('info');
  });

  test('a variable in any case matches where the environment ignores case', () => {
    const env = { Weir_Log_Level: 'debug', weir_key: 'x', Weir_Port: '1' };
    const { values, mistakes } = readVariables(env, allSettings, true);
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

  test.each(secretSettings)('%s with a value that it does not expect', async (key) => {
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
    expect(readConfig(undefined, { ...safe, WEIR_SERVER_HTTP_ADDR: addr }).config.server.http.addr).toBe(
      addr,
    );
  });

  test.each(['127.0.0.1:8000', '127.1.2.3:0', 'localhost:8000', '[::1]:8000'])(
    'is not %s, which needs neither',
    (addr) => {
      expect(readConfig(undefined, { WEIR_SERVER_HTTP_ADDR: addr }).config.server.http.addr).toBe(addr);
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
  ])('is %j', (host) => {
    expect(isLoopback(host)).toBe(false);
  });

  test('an address is not judged where this process does not answer HTTP', () => {
    const env = { WEIR_SERVER_HTTP_ADDR: '0.0.0.0:8000', WEIR_SERVER_ROLES: 'ingest,relay' };
    expect(readConfig(undefined, env).config.server.roles).toEqual(['ingest', 'relay']);
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
