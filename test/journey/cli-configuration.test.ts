import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allSettings } from '../../src/config/settings.ts';
import { runHere } from '../support/run-here.ts';
import { createFolder } from '../support/stores.ts';

describe('the configuration', () => {
  async function writeConfig(text: string): Promise<string> {
    const file = join(await createFolder(), 'config.yaml');
    await writeFile(file, text);
    return file;
  }

  test('all mistakes are reported at once, each with key, value and what is expected', async () => {
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
      /data\.redis\.addr = .*: expected host:port, a redis:\/\/ URL/,
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
  ] as const)('%s is reported by its key', async ([, variable, value, key]) => {
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

  test('the configuration never prints a secret value, even one that is mistyped', async () => {
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
  ] as const)('a file %s ends a start with 2, and the message names it', async ([, text]) => {
    const file = text === undefined ? join(await createFolder(), 'missing.yaml') : await writeConfig(text);
    const { code, stderr } = await runHere(['start', '-conf', file]);
    expect(code).toBe(2);
    expect(stderr).toContain(text === '- 1' ? '(the file)' : file);
  });

  test('the configuration may be named by -conf FILE, -conf=FILE and --config FILE', async () => {
    const file = await writeConfig('outbox:\n  lanes: 7\n');
    for (const args of [['-conf', file], [`-conf=${file}`], ['--config', file], ['-c', file]]) {
      const { code, stdout } = await runHere(['doctor', '--settings', '--json', ...args]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout).find(({ key }: { key: string }) => key === 'outbox.lanes').value).toBe('7');
    }
  });

  test('an address that others can reach stays closed until secrets and keys are set', async () => {
    const { code, stderr } = await runHere(['start'], { WEIR_SERVER_HTTP_ADDR: '0.0.0.0:0' });
    expect(code).toBe(2);
    expect(stderr).toContain('server.http.webhookSecrets');
    expect(stderr).toContain('server.http.operatorKeys');
  });

  test('doctor prints the whole configuration, without a secret', async () => {
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
    expect(rows.map(({ key }) => key)).toEqual(allSettings.map(({ key }) => key));
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
