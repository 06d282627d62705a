import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { settings } from '../../src/config/settings.ts';
import { pollUntil } from '../support/poll-until.ts';
import { runHere } from '../support/run-here.ts';
import {
  createFolder,
  createPostgresDatabase,
  createQueueName,
  createRedisDatabase,
  postgresUrl,
  rabbitmqUrl,
  uniqueName,
} from '../support/stores.ts';
import { runWeir, spawnWeir } from '../support/weir.ts';
import { expectOneSentence } from './one-sentence.ts';
import { shareWeir } from './share-weir.ts';

/** What stands in for a Weir whose answers a test chooses; it ends with the test. @returns its address */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close().closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Nobody listens there. */
const deadPort = 9;

async function query(url: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
}

describe('help and arguments', () => {
  const commands = [
    [],
    ['start'],
    ['migrate'],
    ['demo'],
    ['doctor'],
    ['simulate'],
    ['instances'],
    ['instances', 'list'],
    ['instances', 'search'],
    ['instances', 'show'],
    ['instances', 'create'],
    ['instances', 'retry'],
    ['top'],
    ['stats'],
    ['trend'],
    ['completion'],
    ['orders'],
    ['orders', 'paid'],
    ['orders', 'refunded'],
    ['parked'],
    ['parked', 'list'],
    ['parked', 'show'],
    ['parked', 'replay'],
    ['parked', 'discard'],
    ['audit'],
    ['products'],
    ['products', 'list'],
    ['products', 'create'],
    ['products', 'enable'],
    ['products', 'disable'],
    ['sale'],
    ['sale', 'list'],
    ['sale', 'open'],
    ['sale', 'show'],
    ['sale', 'pause'],
    ['sale', 'resume'],
    ['sale', 'end'],
    ['sale', 'add'],
    ['sale', 'restock'],
    ['sale', 'ticket'],
    ['resource'],
    ['keys'],
    ['keys', 'create'],
    ['keys', 'list'],
    ['keys', 'revoke'],
  ];

  test('every command explains itself', async () => {
    for (const command of commands) {
      const { code, stdout, stderr } = await runHere([...command, '--help']);
      expect({ code, stderr }, command.join(' ')).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^Usage: weir/);
    }
  });

  test('help of a command within a command is the help of that one', async () => {
    for (const command of commands.filter(({ length }) => length > 0)) {
      const { code, stdout } = await runHere(['help', ...command]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: (await runHere([...command, '--help'])).stdout });
    }
  });

  test('a command that is mistyped is unknown, and told what it may have been', async () => {
    const { code, stderr } = await runHere(['stat']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: unknown command 'stat'\n\(Did you mean .*stats.*\?\)\n/);
    expect((await runHere(['sale', 'opne'])).stderr).toMatch(
      /unknown command 'opne'\n\(Did you mean open\?\)/,
    );
    expect((await runHere(['nonsense'])).stderr).toMatch(/^error: unknown command 'nonsense'\n\(weir --help/);
  });

  test.for([
    [['help', 'nonsense'], 'weir'],
    [['nonsense', '--help'], 'weir'],
    [['help', 'instances', 'nonsense'], 'weir instances'],
    [['instances', 'nonsense', '--help'], 'weir instances'],
  ] as [string[], string][])('%j is an unknown command of %s', async ([args, group]) => {
    const { code, stdout, stderr } = await runHere(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: unknown command 'nonsense'\n/);
    expect(stderr).toContain(`(${group} --help shows what there is)`);
  });

  test.for([
    [['sale', 'open', '1001'], 'weir sale open'],
    [['instances', 'list', '--status', 'GONE'], 'weir instances list'],
    [['stats', '--from', 'soon'], 'weir stats'],
    [['simulate', '--rate', '0'], 'weir simulate'],
  ] as [string[], string][])('the error of %j points to the help of %s', async ([args, command]) => {
    expect((await runHere(args)).stderr).toContain(`(${command} --help shows what there is)`);
  });

  test('fixed words of options are taken in any case, and reach the API as it has them', async () => {
    const asked: (string | undefined)[] = [];
    const url = await serve(({ url }, response) => {
      asked.push(url);
      response.end('{"items":[],"nextCursor":null}');
    });
    const options = ['--status', 'failed', '--source', 'gift', '--url', url];
    expect((await runHere(['instances', 'list', ...options])).code).toBe(0);
    const filter = ['--state', 'all', '--origin', 'Stream', '--reason', 'product_not_found', '--url', url];
    expect((await runHere(['parked', 'list', ...filter])).code).toBe(0);
    expect(asked[0]).toContain('source=GIFT&status=FAILED');
    expect(asked[1]).toContain('reason=PRODUCT_NOT_FOUND&origin=STREAM&state=ALL');
  });

  test.for([
    ['instances list --from', 'from', -900_000],
    ['stats --from', 'from', -900_000],
    ['trend --to', 'to', -900_000],
    ['sale open 1001 --stock 1 --starts', 'startsAt', 900_000],
  ] as const)('%s 15m is a quarter of an hour from now', async ([command, field, distanceMs]) => {
    let asked = '';
    const url = await serve((request, response) => {
      asked += request.url;
      request.on('data', (chunk) => {
        asked += chunk;
      });
      request.on('end', () => response.writeHead(400).end('{"code":"X","detail":"x"}'));
    });
    await runHere([...command.split(' '), '15m', '--url', url]);
    const [, text = ''] = new RegExp(`${field}[=":]+([^"&]+)`).exec(asked) ?? [];
    const at = Date.parse(decodeURIComponent(text)) - Date.now() - distanceMs;
    expect(Math.abs(at), asked).toBeLessThan(10_000);
  });

  test('the help lists every command, the exit codes and how the seed names its file', async () => {
    const { stdout } = await runHere(['--help']);
    for (const name of new Set(commands.map(([first]) => first).filter(Boolean)))
      expect(stdout).toContain(`  ${name}`);
    for (const code of [0, 1, 2, 3, 4, 5]) expect(stdout).toMatch(new RegExp(`\\b${code}  \\S`));
    expect((await runHere(['start', '--help'])).stdout).toContain('-conf');
  });

  test('the version is the one of the package', async () => {
    const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
    for (const flag of ['--version', '-V', '-v'])
      expect(await runHere([flag])).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
  });

  test.for([
    [['nonsense']],
    [['--nonsense']],
    [['start', '--nonsense']],
    [['start', 'extra']],
    [['start', '--config']],
    [['instances', 'nonsense']],
    [['instances', 'show']],
    [['instances', 'list', '--status', 'GONE']],
    [['instances', 'list', '--from', 'soon']],
    [['instances', 'list', '--from', '5']],
    [['instances', 'list', '--json', '--ndjson']],
    [['trend', '--step', 'week']],
    [['trend', '--minutes', '5', '--from', '2026-11-27']],
    [['completion', 'tcsh']],
    [['doctor', '--json=maybe']],
    [['start', '--roles', 'http,cook']],
    [['start', '--roles', '']],
    [['simulate', '--rate', '0']],
    [['simulate', '--rate', 'many']],
    [['simulate', '--seconds', '1.5']],
    [['simulate', '--product', 'abc']],
    [['parked', 'replay']],
    [['parked', 'replay', '1', '--all']],
    [['parked', 'discard', '1']],
    [['orders', 'paid']],
    [['instances', 'create', '--source', 'SECKILL', '--product', '1001', '--user', '1']],
    [['products', 'enable']],
    [['products', 'create', '7', '--name', 'x', '--cpus', 'many', '--memory', '1', '--image', 'x']],
    [['sale', 'restock', '1001', '--since', 'soon']],
    [['sale', 'list', '--url', 'foo']],
    [['sale', 'list', '--url', 'localhost:8000']],
    [['sale', 'list', '--url', '127.0.0.1:8000']],
    [['sale', 'open', '1001']],
    [['sale', 'open', '1001', '--stock', '0']],
    [['sale', 'open', '1001', '--stock', '2147483648']],
    [['sale', 'open', '1001', '--stock', '5', '--admit', 'all']],
    [['sale', 'open', '1001', '--stock', '5', '--starts', 'soon']],
    [['sale', 'add', '1001', 'many']],
    [['keys', 'create', 'somebody']],
    [['keys', 'create', 'somebody', '--scope', 'all']],
    [['keys', 'create', 'two words', '--scope', 'read']],
    [['keys', 'create', 'somebody', '--scope', 'read', '--expires', 'soon']],
    [['keys', 'create', 'somebody', '--scope', 'read', '--expires', '2020-01-01']],
    [['resource']],
    [['resource', '--fail', 'most']],
  ] as [string[]][])('%j ends with 2 and says why', async ([args]) => {
    const { code, stdout, stderr } = await runHere(args, {
      WEIR_SERVER_HTTP_ADDR: `127.0.0.1:${deadPort}`,
      WEIR_DATA_EMBEDDED_FOLDER: '/nowhere',
    });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/\S/);
  });
});

describe('the configuration', () => {
  async function writeConfig(text: string): Promise<string> {
    const file = join(await createFolder(), 'config.yaml');
    await writeFile(file, text);
    return file;
  }

  test('tells all its mistakes at once, each with key, value and what is expected', async () => {
    const file = await writeConfig(`
server:
  http:
    addr: nowhere
    adr: 127.0.0.1:8000
data:
  database:
    source: mysql://root@localhost/x
    maxConnections: 1
  rabbitmq:
    queueType: fancy
seckill:
  batchSize: many
nonsense: 7
`);
    const { code, stderr } = await runHere(['start', '-conf', file], {
      WEIR_DATA_REDIS_ADDR: 'local host',
      WEIR_OUTBOX_LANES: '99',
      WEIR_DATA_DATABASE_MIGRATE: 'perhaps',
    });
    expect(code).toBe(2);
    for (const mistake of [
      /server\.http\.addr = "nowhere": expected host:port, the port at most 65535/,
      /server\.http\.adr = .*did you mean server\.http\.addr\?/,
      /data\.database\.source = .*expected a postgres:\/\/ URL/,
      /data\.database\.maxConnections = 1: expected an integer from 2 to 1000/,
      /data\.rabbitmq\.queueType = "fancy": expected quorum or classic/,
      /seckill\.batchSize = "many": expected an integer from 1 to \d+/,
      /nonsense = .*: expected a known key \(`weir doctor --settings` lists them\)/,
      /data\.redis\.addr = .*: expected host:port or a redis:\/\/ URL/,
      /outbox\.lanes = "99": expected an integer from 1 to 16/,
      /data\.database\.migrate = "perhaps": expected true or false/,
    ]) {
      expect(stderr).toMatch(mistake);
    }
    expect(stderr).toContain('10 mistakes');
  });

  test.for([
    ['a port above 65535', 'WEIR_SERVER_HTTP_ADDR', '127.0.0.1:70000', 'server.http.addr'],
    [
      'an operator key of less than 16 characters',
      'WEIR_SERVER_HTTP_OPERATORKEYS',
      'short',
      'server.http.operatorKeys',
    ],
    [
      'a webhook secret that is not base64',
      'WEIR_SERVER_HTTP_WEBHOOKSECRETS',
      'whsec_!!!!',
      'server.http.webhookSecrets',
    ],
    ['a Redis port above 65535', 'WEIR_DATA_REDIS_ADDR', 'localhost:70000', 'data.redis.addr'],
  ] as const)('%s is a mistake that is told by its key', async ([, variable, value, key]) => {
    const { code, stderr } = await runHere(['doctor'], { [variable]: value });
    expect(stderr).toContain(`${key} = `);
    expect(code).toBe(2);
  });

  test('doctor refuses a proxy without keys in the words of start', async () => {
    const env = { WEIR_SERVER_HTTP_HOSTS: 'shop.example' };
    const [started, examined] = [await runHere(['start'], env), await runHere(['doctor'], env)];
    expect(started).toMatchObject({ code: 2, stderr: expect.stringContaining('through a proxy') });
    expect(examined).toMatchObject({ code: 2, stderr: started.stderr });
  });

  test('never prints what a secret setting was set to, nor what one was that is only mistyped', async () => {
    const file = await writeConfig(`
server:
  http:
    webhookSecret: [whsec_c2VjcmV0LW9mLXRoZS1zaG9w]
    operatorKey: operator-key-of-monday
data:
  database:
    source: postgres//weir:password-of-postgres@localhost/x
`);
    const { code, stderr } = await runHere(['start', '--config', file], {
      WEIR_DATA_RABBITMQ_URL: 'http://weir:password-of-rabbitmq@localhost',
    });
    expect(code).toBe(2);
    expect(stderr).toContain('data.database.source = (not shown)');
    for (const secret of ['whsec_', 'c2VjcmV0', 'operator-key', 'password-of'])
      expect(stderr).not.toContain(secret);
  });

  test.for([
    ['that does not exist', undefined],
    ['that is no YAML', '{[}'],
    ['that is a list', '- 1'],
  ] as const)('in a file %s ends with 2 and names the file', async ([, text]) => {
    const file = text === undefined ? join(await createFolder(), 'missing.yaml') : await writeConfig(text);
    const { code, stderr } = await runHere(['start', '-conf', file]);
    expect(code).toBe(2);
    expect(stderr).toContain(text === '- 1' ? '(the file)' : file);
  });

  test('may be named the way the seed does it, with -conf FILE and -conf=FILE, and --config FILE', async () => {
    const file = await writeConfig('outbox:\n  lanes: 7\n');
    for (const args of [['-conf', file], [`-conf=${file}`], ['--config', file], ['-c', file]]) {
      const { code, stdout } = await runHere(['doctor', '--settings', '--json', ...args]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout).find(({ key }: { key: string }) => key === 'outbox.lanes').value).toBe('7');
    }
  });

  test('keeps an address that others can reach closed until secrets and keys are there', async () => {
    const { code, stderr } = await runHere(['start'], { WEIR_SERVER_HTTP_ADDR: '0.0.0.0:0' });
    expect(code).toBe(2);
    expect(stderr).toContain('server.http.webhookSecrets');
    expect(stderr).toContain('server.http.operatorKeys');
  });

  test('is told in full by doctor, without a secret', async () => {
    const env = {
      WEIR_DATA_DATABASE_SOURCE: 'postgres://weir:password-of-postgres@localhost/x',
      WEIR_DATA_REDIS_ADDR: 'redis://:password-of-redis@localhost',
      WEIR_DATA_RABBITMQ_URL: 'amqp://weir:password-of-rabbitmq@localhost',
      WEIR_SERVER_HTTP_OPERATORKEYS: 'password-of-operator-1,password-of-operator-2',
      WEIR_SERVER_HTTP_WEBHOOKSECRETS: `whsec_${Buffer.from('password-of-webhook').toString('base64')}`,
    };
    const table = await runHere(['doctor', '--settings'], env);
    const list = await runHere(['doctor', '--settings', '--json'], env);
    expect([table.code, list.code]).toEqual([0, 0]);
    const rows = JSON.parse(list.stdout) as {
      key: string;
      variable: string;
      value: string;
      sentence: string;
    }[];
    expect(rows.map(({ key }) => key)).toEqual(Object.values(settings).map(({ key }) => key));
    for (const { key, variable } of rows) {
      expect(table.stdout).toContain(key);
      expect(variable).toBe(`WEIR_${key.replaceAll('.', '_').toUpperCase()}`);
    }
    for (const { key, value } of rows) {
      if (['data.database.source', 'data.redis.addr', 'data.rabbitmq.url'].includes(key))
        expect(value).toBe('(set)');
    }
    for (const told of [table.stdout, list.stdout, table.stderr, list.stderr]) {
      expect(told).not.toContain('password-of');
      expect(told).not.toContain('whsec_cGFz');
    }
  });
});

describe('migrate', () => {
  const name = uniqueName('weir_test');
  const env = { WEIR_DATA_DATABASE_SOURCE: postgresUrl(name) };
  afterAll(() => query(postgresUrl(), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));

  test('three migrations at once make the missing database and its schema once', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => runWeir(['migrate', '--json'], env)));
    expect(runs.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
      Array(3).fill({ code: 0, stderr: '' }),
    );
    const applied = runs.map(({ stdout }) => JSON.parse(stdout).applied as string[]);
    const [none, nor, all] = applied.sort((a, b) => a.length - b.length);
    expect([none, nor, all?.[0]]).toEqual([[], [], '0001_initial']);
    expect(await query(postgresUrl(name), 'SELECT count(*)::int AS count FROM instance_logs')).toEqual([
      { count: 0 },
    ]);
  });

  test('a migrated database has nothing to migrate', async () => {
    const again = await runHere(['migrate', '--json'], env);
    expect({ ...again, stdout: JSON.parse(again.stdout) }).toEqual({
      code: 0,
      stderr: '',
      stdout: { applied: [], place: expect.stringContaining(name) },
    });
    const { code, stdout } = await runHere(['migrate'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Applied nothing: the schema of database \S+ on \S+ is up to date\n$/);
  });

  test('ends with 3 and one sentence when no database answers', async () => {
    const env = { WEIR_DATA_DATABASE_SOURCE: `postgres://weir:hidden@127.0.0.1:${deadPort}/x` };
    for (const command of ['migrate', 'demo']) {
      const { code, stderr } = await runHere([command], env);
      expect(code, stderr).toBe(3);
      expectOneSentence(stderr);
      expect(stderr).not.toContain('hidden');
    }
  });
});

interface Finding {
  about: string;
  level: 'ok' | 'warning' | 'problem';
  what: string;
  advice: string;
}

describe('doctor', () => {
  async function examine(
    env: Record<string, string>,
  ): Promise<{ code: number | string; findings: Finding[] }> {
    const { code, stdout, stderr } = await runHere(['doctor', '--json'], env);
    expect(stderr).toBe('');
    return { code, findings: JSON.parse(stdout).findings };
  }

  test('finds on real stores what would lose data, and nothing else', async () => {
    const databaseUrl = await createPostgresDatabase();
    const redisUrl = await createRedisDatabase();
    const env = {
      WEIR_DATA_DATABASE_SOURCE: databaseUrl,
      WEIR_DATA_REDIS_ADDR: redisUrl,
      WEIR_DATA_RABBITMQ_URL: rabbitmqUrl,
      WEIR_DATA_RABBITMQ_QUEUE: createQueueName(),
    };
    const [truth] = await query(
      databaseUrl,
      `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
         current_setting('synchronous_commit') AS synchronous_commit`,
    );
    const redis = new Redis(redisUrl);
    const [, appendonly] = (await redis.config('GET', 'appendonly')) as string[];
    redis.disconnect();

    const { code, findings } = await examine(env);
    const found = (about: string, setting: string) =>
      findings.some(
        (one) => one.about === about && one.level !== 'ok' && one.what.startsWith(`${setting} =`),
      );
    for (const about of ['PostgreSQL', 'Redis', 'RabbitMQ']) {
      expect(findings).toContainEqual(
        expect.objectContaining({
          about,
          level: 'ok',
          what: expect.stringMatching(/^version \d.* answers$/),
        }),
      );
    }
    expect(found('PostgreSQL', 'fsync')).toBe(truth?.fsync !== 'on');
    expect(found('PostgreSQL', 'full_page_writes')).toBe(truth?.full_page_writes !== 'on');
    expect(found('PostgreSQL', 'synchronous_commit')).toBe(truth?.synchronous_commit === 'off');
    expect(found('Redis', 'appendonly')).toBe(appendonly !== 'yes');
    for (const { level, advice } of findings) expect(advice !== '').toBe(level !== 'ok');
    expect(code).toBe(findings.some(({ level }) => level !== 'ok') ? 5 : 0);

    const said = await runHere(['doctor'], env);
    expect(said.code).toBe(code);
    for (const { what, advice } of findings) {
      expect(said.stdout).toContain(what);
      expect(said.stdout).toContain(advice);
    }
  });

  test('warns of a queue that exists with other arguments, and leaves it as it is', async () => {
    const queue = createQueueName();
    const connection = await connect(rabbitmqUrl);
    const channel = await connection.createChannel();
    const own = { durable: true, arguments: { 'x-queue-type': 'classic', 'x-max-length': 10 } };
    await channel.assertQueue(queue, own);
    const { code, findings } = await examine({
      WEIR_DATA_RABBITMQ_URL: rabbitmqUrl,
      WEIR_DATA_RABBITMQ_QUEUE: queue,
    });
    expect(findings).toContainEqual(
      expect.objectContaining({ about: 'RabbitMQ', level: 'warning', what: expect.stringContaining(queue) }),
    );
    expect(code).toBe(5);
    await channel.assertQueue(queue, own);
    await connection.close();
  });

  test('says of each store that does not answer, and of a database that is not there, what to do', async () => {
    const dead = `127.0.0.1:${deadPort}`;
    const [away, missing] = await Promise.all([
      examine({
        WEIR_DATA_DATABASE_SOURCE: `postgres://weir:hidden@${dead}/x`,
        WEIR_DATA_REDIS_ADDR: `redis://:hidden@${dead}`,
        WEIR_DATA_RABBITMQ_URL: `amqp://weir:hidden@${dead}`,
      }),
      examine({ WEIR_DATA_DATABASE_SOURCE: postgresUrl(uniqueName('weir_test')) }),
    ]);
    expect(away.code).toBe(5);
    for (const about of ['PostgreSQL', 'Redis', 'RabbitMQ']) {
      expect(away.findings.filter((one) => one.about === about)).toEqual([
        {
          about,
          level: 'problem',
          what: expect.stringMatching(/ECONNREFUSED|refused/i),
          advice: expect.stringMatching(/\S/),
        },
      ]);
    }
    expect(JSON.stringify(away.findings)).not.toContain('hidden');
    expect(missing.code).toBe(5);
    expect(missing.findings.find(({ about }) => about === 'PostgreSQL')).toMatchObject({
      level: 'warning',
      what: expect.stringMatching(/does not exist yet: the first start makes it$/),
      advice: expect.stringContaining('weir migrate'),
    });
    for (const { findings } of [away, missing]) {
      expect(findings.find(({ about }) => about === 'access')).toMatchObject({
        level: 'warning',
        what: expect.stringContaining('cannot be counted'),
      });
    }
  });

  test('finds no problem with the embedded stores of a fresh folder, and warns of keys that mean nothing', async () => {
    const folder = await createFolder();
    const env = { WEIR_DATA_EMBEDDED_FOLDER: join(folder, 'stores') };
    const { findings } = await examine(env);
    expect(findings.map(({ about }) => about)).toEqual(['database', 'streams', 'queue', 'access', 'access']);
    expect(findings.filter(({ level }) => level === 'problem')).toEqual([]);
    const file = join(folder, 'config.yaml');
    await writeFile(file, 'server:\n  grpc:\n    addr: 0.0.0.0:9000\n');
    const { code, stdout } = await runHere(['doctor', '--json', '-conf', file], env);
    expect(code).toBe(5);
    expect(JSON.parse(stdout).findings[0]).toMatchObject({
      level: 'warning',
      what: expect.stringContaining('server.grpc'),
    });
  });
});

describe('beside a running Weir', () => {
  const guard = {
    WEIR_SERVER_HTTP_OPERATORKEYS: 'operator-key-of-monday',
    WEIR_SERVER_HTTP_WEBHOOKSECRETS: `whsec_${Buffer.from('the secret of the payer').toString('base64')}`,
  };
  const weir = shareWeir(guard);
  const run = (...args: string[]) => runHere([...args, '--url', weir.url], guard);
  const request = (method: string, path: string, body?: unknown) =>
    weir.request(method, path, body, { authorization: `Bearer ${guard.WEIR_SERVER_HTTP_OPERATORKEYS}` });
  const runJson = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout);
  };
  let instanceIds: string[];

  beforeAll(async () => {
    await weir.database.query(
      "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu')",
    );
    instanceIds = [];
    for (const [i, source] of ['GIFT', 'GIFT', 'PRIZE'].entries()) {
      const purchase = { source, sourceId: `CLI${i}`, productId: '1001', userId: `${41 + i}` };
      instanceIds.push((await request('POST', '/v1/instances', purchase)).body.instanceId);
    }
    await weir.database.query("UPDATE instance_logs SET status = 'SUCCESS' WHERE instance_id = $1", [
      instanceIds[0],
    ]);
    await weir.redis.xadd('stream:seckill:1001', '*', 'uid', 'nobody');
    await pollUntil('the bad entry to be parked', 15_000, async () =>
      expect(await weir.count('parked')).toBe(1),
    );
  });

  test('instances list shows what the filter lets through, as a table and as JSON', async () => {
    const newestFirst = [...instanceIds].reverse();
    const ids = async (...args: string[]) =>
      (await runJson('instances', 'list', ...args)).items.map(
        (item: { instanceId: string }) => item.instanceId,
      );
    expect(await ids()).toEqual(newestFirst);
    expect(await ids('--limit', '2')).toEqual(newestFirst.slice(0, 2));
    expect(await ids('--source', 'GIFT', '--user', '42')).toEqual([instanceIds[1]]);
    expect(await ids('--status', 'SUCCESS', '--product', '1001')).toEqual([instanceIds[0]]);
    expect(await ids('--source-id', 'CLI2')).toEqual([instanceIds[2]]);

    const table = await run('instances', 'list');
    expect(table).toMatchObject({ code: 0, stderr: '' });
    const lines = table.stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^INSTANCE\s+STATUS\s+SOURCE/);
    expect(lines.slice(1).map((line) => line.split(/\s+/)[0])).toEqual(newestFirst);
    expect((await run('instances', 'list', '--source', 'NOBODY')).stdout).toBe('no instances\n');
    expect((await run('instances', 'list', '--limit', 'many')).code).toBe(2);
  });

  test('instances show tells one instance, and ends with 4 for one that does not exist', async () => {
    const [id = ''] = instanceIds;
    expect(await runJson('instances', 'show', id)).toEqual(
      (await request('GET', `/v1/instances/${id}`)).body,
    );
    const table = await run('instances', 'show', id);
    expect(table.code).toBe(0);
    for (const value of [id, 'SUCCESS', 'GIFT', 'CLI0', '1001', '41']) expect(table.stdout).toContain(value);
    for (const unknown of ['1', 'abc', '../products']) {
      const { code, stdout, stderr } = await run('instances', 'show', unknown);
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expectOneSentence(stderr);
    }
  });

  test('stats counts by source and draws the trend', async () => {
    const { sources, trend } = await runJson('stats');
    expect(sources).toEqual([
      { source: 'GIFT', total: '2', success: '1', failed: '0', processing: '1', successRate: '50.00' },
      { source: 'PRIZE', total: '1', success: '0', failed: '0', processing: '1', successRate: '0.00' },
    ]);
    const sum = trend.reduce((total: number, { count }: { count: string }) => total + Number(count), 0);
    expect(sum).toBe(3);
    const { code, stdout } = await run('stats', '--minutes', '5');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Instances by source from \S+ to \S+, UTC\nSOURCE/);
    expect(stdout).toMatch(/GIFT\s+2\s+1\s+0\s+1\s+50\.00 %/);
    expect(stdout).toMatch(/\d\d:\d\d █+ +\d/);
    expect((await run('stats', '--minutes', 'many')).code).not.toBe(0);
  });

  test('stats without a window counts since ever and says so, with one only what was made in it, of the source asked for', async () => {
    const here = (...args: string[]) => run('stats', ...args);
    const since = await here('--source', 'PRIZE');
    expect(since.stdout).toMatch(/^Instances by source since ever\nSOURCE.*\nPRIZE +1 +0 +0 +1 +0\.00 %/);
    expect(since.stdout).not.toContain('GIFT');
    const before = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-02T00:00:00Z'];
    const { sources } = JSON.parse((await here(...before, '--json')).stdout);
    expect(sources).toEqual([]);
    const recent = JSON.parse((await here('--minutes', '60', '--source', 'GIFT', '--json')).stdout);
    expect(recent.sources).toEqual([
      { source: 'GIFT', total: '2', success: '1', failed: '0', processing: '1', successRate: '50.00' },
    ]);
  });

  test('parked list tells what stands aside, why, and what to do', async () => {
    const { items } = await runJson('parked', 'list');
    expect(items).toEqual([
      expect.objectContaining({ reason: 'USER_ID_INVALID', origin: 'STREAM', scope: 'stream:seckill:1001' }),
    ]);
    const { code, stdout } = await run('parked', 'list');
    expect(code).toBe(0);
    for (const told of [
      'USER_ID_INVALID',
      'stream:seckill:1001',
      items[0].sourceId,
      items[0].advice,
      items[0].docs,
    ]) {
      expect(stdout).toContain(told);
    }
  });

  test('a parked winner whose buyer was found out is made by hand and discarded, without SQL', async () => {
    const [item] = (await runJson('parked', 'list')).items;
    const purchase = [
      '--source',
      'SECKILL',
      '--source-id',
      item.sourceId,
      '--product',
      '1001',
      '--user',
      '77',
    ];
    const made = await runJson('instances', 'create', ...purchase);
    expect(made).toMatchObject({ source: 'SECKILL', sourceId: item.sourceId, userId: '77' });
    expect(await run('instances', 'create', ...purchase)).toMatchObject({
      code: 0,
      stdout: `instance ${made.instanceId} is made\n`,
    });
    expect((await run('parked', 'discard', item.id, '--because', 'made by hand')).code).toBe(0);
    expect((await run('parked', 'list')).stdout).toBe('nothing is parked\n');
  });

  test('products are created, listed, and switched off and on', async () => {
    const machine = [
      '--name',
      'GPU Large',
      '--cpus',
      '16',
      '--memory',
      '65536',
      '--gpu',
      '4',
      '--image',
      'ubuntu',
    ];
    const created = await runJson('products', 'create', '1004', ...machine, '--price', '79900');
    expect(created).toMatchObject({ id: '1004', memoryMb: 65_536, priceCents: '79900', enabled: true });
    expect(await runJson('products', 'disable', '1004')).toEqual({ ...created, enabled: false });
    const list = await run('products', 'list');
    expect(list.stdout).toMatch(/MEMORY MB +GPU +IMAGE +PRICE CENTS$/m);
    expect(list.stdout).toMatch(/^1001 +enabled +GPU Small.*\n1004 +disabled +GPU Large/m);
    expect((await run('products', 'enable', '1004')).stdout).toMatch(/^1004 +enabled/m);
    const unknown = await run('products', 'disable', '4999');
    expect(unknown.code).toBe(4);
    expect(unknown.stderr).not.toMatch(/replay|discard/);
    expect((await run('products', 'list', '--limit', '1')).stdout).toContain('There are more');
  });

  test('callbacks that did not come are made up for, signed where they must be', async () => {
    const call = (what: string, orderId: string, env: Record<string, string>) =>
      runHere(['orders', what, orderId, '--url', weir.url], env);
    const { WEIR_SERVER_HTTP_WEBHOOKSECRETS: _, ...withoutSecret } = guard;
    const order = async () => {
      const { body } = await request('POST', '/v1/orders', { productId: '1001', userId: '9' });
      return body.id as string;
    };
    const id = await order();
    const unsigned = await call('paid', id, withoutSecret);
    expect(unsigned.code).toBe(1);
    expect(unsigned.stderr).toContain('server.http.webhookSecrets: -conf FILE');
    for (let times = 0; times < 2; times++) {
      expect(await call('paid', id, guard)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^order ORD\d+ is paid, its instance is \d+\n$/),
      });
    }
    const cancelled = await order();
    await request('POST', `/v1/orders/${cancelled}/cancel`);
    expect(await call('paid', cancelled, guard)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('refund'),
    });
    expect((await call('refunded', cancelled, guard)).stdout).toBe(
      `the refund of order ${cancelled} is recorded\n`,
    );
    const elsewhere = ['orders', 'paid', 'ELSEWHERE1', '--product', '1001', '--user', '9'];
    expect(await runJson(...elsewhere)).toMatchObject({ source: 'ORDER', sourceId: 'ELSEWHERE1' });
    expect((await run('orders', 'refunded', 'NOBODY')).code).toBe(4);
  });

  test('sales are listed page by page, and their units restocked once more', async () => {
    for (const id of ['1001', '1004']) expect((await run('sale', 'open', id, '--stock', '3')).code).toBe(0);
    expect((await run('sale', 'list', '--limit', '1')).stdout).toContain('There are more');
    const all = await run('sale', 'list', '--all', '--ndjson');
    const ids = all.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).productId);
    expect(ids).toEqual(['1001', '1004']);
    expect((await run('sale', 'restock', '1001')).stdout).toBe('0 units are taken to the sale once more\n');
    expect((await run('sale', 'restock', '4999')).code).toBe(4);
  });

  test('simulate buys on all sources, and everything that was accepted becomes an instance', async () => {
    const before = await weir.count('instance_logs');
    const { host, port, db } = weir.redis.options;
    const { code, stdout, stderr } = await runHere(
      ['simulate', '--rate', '100', '--seconds', '1', '--json', '--url', weir.url],
      { ...guard, WEIR_DATA_REDIS_ADDR: `redis://${host}:${port}/${db}` },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { seconds, sources } = JSON.parse(stdout);
    expect(seconds).toBeGreaterThan(0.8);
    const rows = sources as {
      source: string;
      sent: number;
      accepted: number;
      instances: number;
      p50Ms: number;
      p99Ms: number;
    }[];
    expect(rows.map(({ source }) => source)).toEqual(['SECKILL', 'ORDER', 'ACTIVITY']);
    expect(rows.reduce((sum, { sent }) => sum + sent, 0)).toBe(100);
    for (const { sent, accepted, instances, p50Ms, p99Ms } of rows) {
      expect(accepted).toBe(sent);
      expect(instances).toBe(sent);
      expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
    }
    expect((await weir.count('instance_logs')) - before).toBe(100);
    await pollUntil('each to be published', 15_000, async () => {
      expect(new Set(weir.heard.map(({ properties }) => properties.messageId)).size).toBe(before + 100);
    });
  });

  test('simulate counts what was refused, by code, of the sources asked for, and ends with 1', async () => {
    await weir.database.query('UPDATE products SET enabled = false, version = version + 1 WHERE id = 1004');
    const options = ['--rate', '20', '--seconds', '1', '--product', '1004', '--sources', 'activity'];
    const { code, stdout } = await run('simulate', ...options);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^SOURCE\s+SENT\s+ACCEPTED\s+INSTANCES/);
    expect(stdout).toMatch(/^ACTIVITY +20 +0 +0 .*422: 20/m);
    expect(stdout).toMatch(/^ACTIVITY: refused 20 PRODUCT_DISABLED$/m);
    expect(stdout).not.toContain('ORDER');
    expect((await run('simulate', '--sources', 'COOK')).code).toBe(2);
  });

  test('simulate without the demo catalogue sends nothing and says what to set', async () => {
    const before = await weir.count('orders');
    const unknown = await run('simulate', '--product', '4242');
    expect(unknown).toMatchObject({ code: 4, stdout: '' });
    expect(unknown.stderr).toMatch(/product 4242.*does not exist.*weir demo.*--product/);
    const noRedis = await run('simulate');
    expect(noRedis).toMatchObject({ code: 2, stdout: '' });
    expect(noRedis.stderr).toMatch(/SECKILL.*-conf FILE.*data\.redis\.addr/);
    expect(await weir.count('orders')).toBe(before);
  });

  test('simulate that is interrupted says what it did so far, and ends with 130', async () => {
    const options = ['--rate', '20', '--seconds', '60', '--sources', 'ACTIVITY', '--json', '--url', weir.url];
    const before = await weir.count('instance_logs');
    const simulate = spawnWeir(['simulate', ...options], guard);
    let stdout = '';
    simulate.stdout?.on('data', (chunk) => {
      stdout += chunk;
    });
    await pollUntil('the first purchase', 15_000, async () =>
      expect(await weir.count('instance_logs')).toBeGreaterThan(before),
    );
    simulate.kill('SIGINT');
    expect(await once(simulate, 'close')).toEqual([130, null]);
    const [{ sent, instances }] = JSON.parse(stdout).sources;
    expect([sent, instances]).toEqual([expect.any(Number), sent]);
    expect(sent).toBeLessThan(1_200);
  });

  test('simulate makes no load on another machine', async () => {
    const { code, stderr } = await runHere(['simulate', '--url', 'http://192.0.2.1:8000']);
    expect(code).toBe(2);
    expectOneSentence(stderr);
  });

  test('a command asks with the configured operator key, and is refused without one', async () => {
    const args = ['instances', 'list', '--limit', '1', '--url', weir.url];
    expect((await runHere(args, guard)).code).toBe(0);
    const { code, stdout, stderr } = await runHere(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expectOneSentence(stderr);
  });
});

test('without a running Weir every command that needs one ends with 3 and one sentence', async () => {
  const url = ['--url', `http://127.0.0.1:${deadPort}`];
  const commands = [
    ['instances', 'list'],
    ['instances', 'show', '1'],
    ['stats'],
    ['parked', 'list'],
    ['simulate'],
  ];
  for (const command of commands) {
    const { code, stdout, stderr } = await runHere([...command, ...url]);
    expect({ code, stdout }, command.join(' ')).toEqual({ code: 3, stdout: '' });
    expectOneSentence(stderr);
  }
});

test('a reader that has what it wanted ends a list without a word, even one that has no end', async () => {
  const url = await serve((_, response) => {
    response.end(JSON.stringify({ items: [{ instanceId: '1' }], nextCursor: '1' }));
  });
  const list = spawnWeir(['instances', 'list', '--all', '--ndjson', '--url', url], {});
  let said = '';
  list.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  list.stdout?.once('data', () => list.stdout?.destroy());
  const [code, signal] = await once(list, 'close');
  expect({ code, signal, said }).toEqual({ code: 0, signal: null, said: '' });
});

test.for([
  [400, 'SOURCE_INVALID', 2, 'weir: so it is. Do this. (weir sale list --help shows what there is)\n'],
  [400, 'REQUEST_INVALID', 2, 'weir: so it is (weir sale list --help shows what there is)\n'],
  [401, 'UNAUTHENTICATED', 1, 'weir: 401: so it is. Do this. Give it as WEIR_KEY.\n'],
  [404, 'INSTANCE_NOT_FOUND', 4, 'weir: so it is. Do this.\n'],
  [409, 'SALE_CONFLICT', 1, 'weir: 409: so it is. Do this.\n'],
  [500, 'INTERNAL', 1, 'weir: 500: so it is. Do this.\n'],
  [503, 'STORE_UNAVAILABLE', 3, 'weir: 503: so it is. Do this.\n'],
] as const)(
  'what is answered with %i %s ends with %i, what happened and what to do',
  async ([status, code, ended, stderr]) => {
    const url = await serve((_, response) => {
      response
        .writeHead(status)
        .end(JSON.stringify({ status, code, detail: 'so it is', advice: 'Do this.' }));
    });
    expect(await runHere(['sale', 'list', '--url', url])).toEqual({ code: ended, stdout: '', stderr });
  },
);

test('replaying what does not exist ends with 4, beside what does with 1', async () => {
  const unknown = { state: null, code: 'PARKED_NOT_FOUND', detail: 'there is no such item' };
  const discarded = {
    id: '2',
    state: null,
    code: 'PARKED_RESOLVED',
    detail: '2 was discarded by me: a test',
  };
  const replay = async (...items: object[]) => {
    const url = await serve((_, response) => {
      response.end(JSON.stringify({ items }));
    });
    return runHere(['parked', 'replay', '2', '99', '--url', url]);
  };
  expect((await replay({ id: '99', ...unknown })).code).toBe(4);
  const both = await replay(discarded, { id: '99', ...unknown });
  expect(both.code).toBe(1);
  expect(both.stdout).toMatch(/^2 +PARKED_RESOLVED +2 was discarded by me: a test/m);
  expect((await replay({ id: '2', state: 'REPLAYED', detail: '' })).code).toBe(0);
});

describe('a key that is revoked through the API', () => {
  const common = { createdAt: 'then', lastUsedAt: null, expiresAt: null, revokedAt: null, createdBy: 'me' };
  const root = { ...common, id: '1', name: 'root', scope: 'admin' };
  const other = { ...common, id: '2', name: 'other', scope: 'admin' };
  const page = { ...common, id: '3', name: 'page', scope: 'read' };
  const old = { ...other, expiresAt: '2020-01-01T00:00:00Z' };

  test.for([
    ['while another one reaches as far', [other, page], /^$/],
    [
      'and was the last of its scope',
      [page],
      /^weir: no key .* scope act or admin any more: .*--scope admin/,
    ],
    ['and the others have expired', [old], /^weir: no key .* scope read or act or admin any more/],
    ['and was the last', [], /^weir: that was the last key there: .* open now/],
  ] as const)('%s may be the one it is asked with', async ([, others, stderr]) => {
    let isRevoked = false;
    const url = await serve(({ method }, response) => {
      if (isRevoked) response.writeHead(401).end('{"code":"UNAUTHENTICATED","detail":"revoked"}');
      else response.end(JSON.stringify(method === 'DELETE' ? root : { items: [root, ...others] }));
      isRevoked ||= method === 'DELETE';
    });
    const revoked = await runHere(['keys', 'revoke', 'root', '--url', url]);
    expect(revoked).toMatchObject({ code: 0, stdout: `Revoked key 1 (root) in the Weir at ${url}\n` });
    expect(revoked.stderr).toMatch(stderr);
  });
});
