import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';
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
import { runWeir } from '../support/weir.ts';
import { deadPort, query } from './cli-support.ts';
import { expectOneSentence } from './one-sentence.ts';

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

  test('migrate ends with 3 and one sentence when no database answers', async () => {
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
  async function diagnose(
    env: Record<string, string>,
  ): Promise<{ code: number | string; findings: Finding[] }> {
    const { code, stdout, stderr } = await runHere(['doctor', '--json'], env);
    expect(stderr).toBe('');
    return { code, findings: JSON.parse(stdout).findings };
  }

  test('doctor finds on real stores what would lose data, and nothing else', async () => {
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

    const { code, findings } = await diagnose(env);
    const found = (about: string, setting: string) =>
      findings.some(
        (one) => one.about === about && one.level !== 'ok' && one.what.startsWith(`${setting} =`),
      );
    for (const about of ['PostgreSQL', 'Redis', 'RabbitMQ']) {
      expect(findings).toContainEqual(
        expect.objectContaining({
          about,
          level: 'ok',
          what: expect.stringMatching(/^reachable, version \d/),
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

  test('doctor warns of a queue that exists with other arguments, and leaves it', async () => {
    const queue = createQueueName();
    const connection = await connect(rabbitmqUrl);
    const channel = await connection.createChannel();
    const own = { durable: true, arguments: { 'x-queue-type': 'classic', 'x-max-length': 10 } };
    await channel.assertQueue(queue, own);
    const { code, findings } = await diagnose({
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

  test('doctor names the remedy for each unavailable store and a missing database', async () => {
    const dead = `127.0.0.1:${deadPort}`;
    const [away, missing] = await Promise.all([
      diagnose({
        WEIR_DATA_DATABASE_SOURCE: `postgres://weir:hidden@${dead}/x`,
        WEIR_DATA_REDIS_ADDR: `redis://:hidden@${dead}`,
        WEIR_DATA_RABBITMQ_URL: `amqp://weir:hidden@${dead}`,
      }),
      diagnose({ WEIR_DATA_DATABASE_SOURCE: postgresUrl(uniqueName('weir_test')) }),
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
      what: expect.stringMatching(/does not exist yet: the first start creates it$/),
      advice: expect.stringContaining('weir migrate'),
    });
    for (const { findings } of [away, missing]) {
      expect(findings.find(({ about }) => about === 'access')).toMatchObject({
        level: 'warning',
        what: expect.stringContaining('cannot be counted'),
      });
    }
  });

  test('doctor accepts the embedded stores of a fresh folder, and warns of unused keys', async () => {
    const folder = await createFolder();
    const env = { WEIR_DATA_EMBEDDED_FOLDER: join(folder, 'stores') };
    const { findings } = await diagnose(env);
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
