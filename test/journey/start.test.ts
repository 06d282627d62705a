import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { runHere } from '../support/run-here.ts';
import { builtProgram } from '../support/seeded-bug.ts';
import {
  countMessages,
  createFolder,
  createPostgresDatabase,
  createQueueName,
  createRedisDatabase,
  drainQueue,
  rabbitmqUrl,
} from '../support/stores.ts';
import { runWeir, sendRequest, startWeir } from '../support/weir.ts';
import { expectOneSentence } from './one-sentence.ts';

describe('a start that cannot be', () => {
  const withoutStores = { WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0' };

  test('a start on a taken port exits with 1 and one sentence that names it', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
    const { port } = server.address() as { port: number };
    const { code, stderr } = await runWeir(['start'], {
      WEIR_SERVER_HTTP_ADDR: `127.0.0.1:${port}`,
      WEIR_DATA_DATABASE_SOURCE: await createPostgresDatabase(),
    });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toContain(`127.0.0.1:${port}`);
    expect(stderr).toContain('server.http.addr');
    expect(stderr).toContain('WEIR_SERVER_HTTP_ADDR');
  });

  /**
   * Below a file, where nothing can be created, and, except for root, in a folder without write permission.
   */
  const unwritable: [string, (place: string) => string][] = [
    ['lies below a file', (place) => join(place, 'file', 'stores')],
    ['is in a place that takes no folders', () => '/proc/weir-stores'],
    ...(process.getuid?.() === 0
      ? []
      : [['is not ours', (place) => join(place, 'closed', 'stores')] as [string, (place: string) => string]]),
  ];

  test.for(unwritable)('a start whose folder %s ends with 1', { timeout: 15_000 }, async ([, choose]) => {
    const place = await createFolder();
    await writeFile(join(place, 'file'), '');
    await mkdir(join(place, 'closed'), { mode: 0o555 });
    const folder = choose(place);
    const { code, stderr } = await runHere(['start'], {
      ...withoutStores,
      WEIR_DATA_EMBEDDED_FOLDER: folder,
    });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toContain(folder);
    expect(stderr).toContain('data.embedded.folder');
    const doctor = await runHere(['doctor', '--json'], { WEIR_DATA_EMBEDDED_FOLDER: folder });
    expect(doctor.code).toBe(5);
    const [finding] = JSON.parse(doctor.stdout).findings;
    expect(finding).toMatchObject({ level: 'problem', what: expect.stringContaining(folder) });
  });

  test('a start on a database of a newer program exits with 1 and touches nothing', async () => {
    const databaseUrl = await createPostgresDatabase();
    const queue = createQueueName();
    await query(databaseUrl, "INSERT INTO schema_migrations (version, name) VALUES (9999, '9999_future')");
    await query(databaseUrl, "INSERT INTO outbox (events, batch) VALUES (1, '\\x0a0a013112056576656e74')");
    const env = {
      WEIR_DATA_DATABASE_SOURCE: databaseUrl,
      WEIR_DATA_RABBITMQ_URL: rabbitmqUrl,
      WEIR_DATA_RABBITMQ_QUEUE: queue,
    };
    for (const command of ['start', 'migrate', 'demo']) {
      const { code, stderr } = await runHere([command], { ...withoutStores, ...env });
      expect(code, command).toBe(1);
      expectOneSentence(stderr);
      expect(stderr).toContain('9999');
    }
    const off = await runHere(['start'], { ...withoutStores, ...env, WEIR_DATA_DATABASE_MIGRATE: 'false' });
    expect(off.code).toBe(1);
    expectOneSentence(off.stderr);
    expect(await query(databaseUrl, 'SELECT count(*)::int AS count FROM outbox')).toEqual([{ count: 1 }]);
    expect(await query(databaseUrl, 'SELECT count(*)::int AS count FROM products')).toEqual([{ count: 0 }]);
  });

  test('a start on an old schema without migrations exits with 1 and names the command', async () => {
    const databaseUrl = await createPostgresDatabase();
    await query(databaseUrl, 'DELETE FROM schema_migrations');
    const { code, stderr } = await runHere(['start'], {
      ...withoutStores,
      WEIR_DATA_DATABASE_SOURCE: databaseUrl,
      WEIR_DATA_DATABASE_MIGRATE: 'false',
    });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toContain('weir migrate');
  });
});

describe('a Weir of some roles', () => {
  async function createStores() {
    return {
      WEIR_DATA_DATABASE_SOURCE: await createPostgresDatabase(),
      WEIR_DATA_REDIS_ADDR: await createRedisDatabase(),
      WEIR_DATA_RABBITMQ_URL: rabbitmqUrl,
      WEIR_DATA_RABBITMQ_QUEUE: createQueueName(),
    };
  }
  const product = { id: '1001', name: 'GPU Small', cpus: 4, memoryMb: 16384, image: 'ubuntu' };
  const gift = (sourceId: string) => ({ source: 'GIFT', sourceId, productId: '1001', userId: '5' });

  test('http accepts purchases under backpressure, and ingest and relay answer no API', async () => {
    const stores = await createStores();
    const front = await startWeir({ ...stores, WEIR_OUTBOX_HIGHWATER: '2' }, ['start', '--roles', 'http']);
    await pollUntil('it to be ready', 10_000, async () =>
      expect((await front.request('GET', '/readyz')).body).toEqual({
        status: 'ready',
        database: 'ok',
        streams: 'ok',
      }),
    );
    expect((await front.request('POST', '/v1/products', product)).status).toBe(201);
    const redis = new Redis(stores.WEIR_DATA_REDIS_ADDR);
    onTestFinished(() => redis.disconnect());
    const streamId = String(await redis.xadd('stream:seckill:1001', '*', 'uid', '7'));
    const made: string[] = [];
    const refused = await pollUntil('the admission to be held', 10_000, async () => {
      const answer = await front.request('POST', '/v1/instances', gift(`G${made.length}`));
      if (answer.status === 503) return answer;
      expect(answer.status).toBe(201);
      made.push(answer.body.instanceId);
      throw new Error(`${made.length} were taken`);
    });
    expect(refused.body).toMatchObject({ code: 'OVERLOADED', status: 503 });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(made.length).toBeGreaterThanOrEqual(2);
    const waiting = () =>
      query(stores.WEIR_DATA_DATABASE_SOURCE, 'SELECT sum(events)::int AS events FROM outbox');
    expect(await waiting()).toEqual([{ events: made.length }]);

    const back = await startWeir(stores, ['start', '--roles=ingest,relay']);
    const queue = stores.WEIR_DATA_RABBITMQ_QUEUE;
    await pollUntil('the queue to be declared', 10_000, () => countMessages(queue));
    const messages = await drainQueue(queue, made.length + 1);
    const ids = messages.map(({ id }) => id);
    expect(ids).toHaveLength(made.length + 1);
    expect(ids).toEqual(expect.arrayContaining(made));
    const rows = await query(
      stores.WEIR_DATA_DATABASE_SOURCE,
      'SELECT source_id FROM instance_logs WHERE source = $1',
      ['SECKILL'],
    );
    expect(rows).toEqual([{ source_id: streamId }]);
    expect((await back.request('GET', '/readyz')).body).toEqual({
      status: 'ready',
      database: 'ok',
      streams: 'ok',
      queue: 'ok',
    });
    for (const path of ['/v1/instances', '/v1/products', '/openapi.json', '/']) {
      expect((await back.request('GET', path)).status, path).toBe(404);
    }
    expect((await back.request('POST', '/v1/instances', gift('BACK'))).status).toBe(404);
    await pollUntil('the admission to open again', 10_000, async () => {
      expect((await front.request('POST', '/v1/instances', gift('AFTER'))).status).toBe(201);
    });
  });
});

describe('a Weir from nothing but Node', () => {
  let folder: string;
  let child: ChildProcess;
  let origin: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-test-'));
    child = spawn(process.execPath, [builtProgram()], {
      env: {
        PATH: process.env.PATH ?? '',
        WEIR_DATA_EMBEDDED_FOLDER: join(folder, 'stores'),
        WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0',
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let said = '';
    child.stdout?.on('data', (chunk) => {
      said += chunk;
    });
    origin = await pollUntil('the line to try', 40_000, async () => {
      const [, line] = /curl -X POST (http:\S+)/.exec(said) ?? [];
      if (!line) throw new Error(said);
      return new URL(line).origin;
    });
  });
  afterAll(async () => {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  test('a first start prints a line that sells the first instance', async () => {
    expect((await sendRequest(`${origin}/`, 'GET')).status).toBe(200);
    expect(await sendRequest(`${origin}/v1/orders/123/paid`, 'POST')).toMatchObject({
      status: 201,
      body: { source: 'ORDER', sourceId: '123', productId: '1001' },
    });
    const buyers = { productId: '1001', firstUserId: '500', count: 3 };
    expect((await sendRequest(`${origin}/v1/try/seckill`, 'POST', buyers)).status).toBe(202);
    await pollUntil('the winners to be sold', 15_000, async () => {
      const { body } = await sendRequest(`${origin}/v1/stats/sources`, 'GET');
      expect(body.items.map(({ source, total }: Record<string, string>) => `${source} ${total}`)).toEqual([
        'ORDER 1',
        'SECKILL 3',
      ]);
    });
  });

  test('a Weir with nothing configured builds what it sells by itself', async () => {
    await pollUntil('the order to be completed', 15_000, async () => {
      const { body } = await sendRequest(`${origin}/v1/orders/123`, 'GET');
      expect(body.status).toBe('COMPLETED');
    });
    const { body } = await sendRequest(`${origin}/v1/instances?sourceId=123`, 'GET');
    expect(body.items).toMatchObject([{ status: 'SUCCESS' }]);
  });

  test('a second start on one folder ends with 1, names the first, and leaves it alone', async () => {
    const { code, stderr } = await runHere(['start'], {
      WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0',
      WEIR_DATA_EMBEDDED_FOLDER: join(folder, 'stores'),
    });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toContain(folder);
    expect(stderr).toContain(String(child.pid));
    expect((await sendRequest(`${origin}/v1/orders/123/paid`, 'POST')).status).toBe(200);
  });

  test('a start after a killed one takes its folder over with what is in it', async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
    const next = await startWeir({ WEIR_DATA_EMBEDDED_FOLDER: join(folder, 'stores') });
    expect((await next.request('POST', '/v1/orders/123/paid')).status).toBe(200);
  });
});

async function query(url: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(sql, values)).rows;
  } finally {
    await client.end();
  }
}
