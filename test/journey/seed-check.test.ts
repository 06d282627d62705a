import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fromBinary } from '@bufbuild/protobuf';
import type { GetMessage } from 'amqplib';
import pg from 'pg';
import { expect, onTestFailed, onTestFinished, test } from 'vitest';
import { findFreePort } from '../../scripts/services/find.mjs';
import { requirePrograms } from '../support/gates.ts';
import { pollUntil } from '../support/poll-until.ts';
import {
  connectTestRabbitmq,
  connectTestRedis,
  createFolder,
  createPostgresDatabase,
  createQueueName,
  createRedisDatabase,
  rabbitmqUrl,
} from '../support/stores.ts';
import { runWeir, sendRequest, spawnWeir } from '../support/weir.ts';
import { EventSchema } from '../wire/weir/v1/event_pb.ts';

const runForEver = promisify(execFile);
/** A program that prints nothing for so long fails the test with its name. */
const run = (program: string, args: string[], options: { cwd?: string } = {}) =>
  runForEver(program, args, { ...options, timeout: 15_000 });
const user123 = '00000000-0000-8000-8000-00000000007b';

interface SeedStores {
  file: string;
  port: number;
  databaseUrl: string;
  redisUrl: string;
  queue: string;
}

/** A file as the seed's framework writes it, with settings that Weir does not use. */
async function writeSeedConfig(): Promise<SeedStores> {
  const stores = {
    file: join(await createFolder(), 'config.yaml'),
    port: await findFreePort(),
    databaseUrl: await createPostgresDatabase(),
    redisUrl: await createRedisDatabase(),
    queue: createQueueName(),
  };
  await writeFile(
    stores.file,
    `server:
  http:
    addr: 127.0.0.1:${stores.port}
    timeout: 1s
  grpc:
    addr: 0.0.0.0:9000
    timeout: 1s
data:
  database:
    driver: postgres
    source: ${stores.databaseUrl}
  redis:
    addr: ${stores.redisUrl}
    read_timeout: 0.2s
    write_timeout: 0.2s
  rabbitmq:
    url: ${rabbitmqUrl}
    queue: ${stores.queue}
`,
  );
  return stores;
}

async function startSeedWeir({ file, port }: SeedStores): Promise<void> {
  expect(await runWeir(['demo', '-conf', file])).toMatchObject({ code: 0 });
  const weir = spawnWeir(['-conf', file], {});
  let log = '';
  weir.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  onTestFailed(() => console.error(`Weir's log:\n${log}`));
  await pollUntil('Weir should be ready', 30_000, async () => {
    const { status, body } = await sendRequest(`http://localhost:${port}/readyz`, 'GET');
    if (status !== 200) throw new Error(JSON.stringify(body));
  });
}

async function openClient(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** Takes `count` messages off the queue, with the routing of each. */
async function receive(queue: string, count: number): Promise<GetMessage[]> {
  const channel = await (await connectTestRabbitmq()).createChannel();
  const messages: GetMessage[] = [];
  await pollUntil(`${count} messages on ${queue}`, 20_000, async () => {
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (message) messages.push(message);
      else if (messages.length < count) throw new Error(`${messages.length} so far`);
      else return;
    }
  });
  return messages;
}

/** Debian has protoc in one package and google/protobuf/timestamp.proto in another. */
async function writeWellKnownTypes(): Promise<string> {
  const folder = await createFolder();
  await mkdir(join(folder, 'google/protobuf'), { recursive: true });
  const timestamp = 'message Timestamp { int64 seconds = 1; int32 nanos = 2; }';
  const file = join(folder, 'google/protobuf/timestamp.proto');
  await writeFile(file, `syntax = "proto3"; package google.protobuf; ${timestamp}\n`);
  return folder;
}

/** The statements of seed-queries.sql, each under the comment above it. */
function readSeedQueries(): Map<string, string> {
  const text = readFileSync(new URL('./seed-queries.sql', import.meta.url), 'utf8');
  return new Map(
    [...text.matchAll(/^-- (.+)\n((?:SELECT[^;]+);)$/gm)].map(([, title = '', sql = '']) => [title, sql]),
  );
}

const queries = readSeedQueries();

function seedQuery(title: string): string {
  const sql = queries.get(title);
  if (!sql) throw new Error(`seed-queries.sql has no ${title}, only ${[...queries.keys()].join(', ')}`);
  return sql;
}

test('the seed’s own check ends with a row and an event for each purchase', async (context) => {
  requirePrograms(context, 'redis-cli', 'curl', 'psql');
  const stores = await writeSeedConfig();
  await startSeedWeir(stores);
  const client = await openClient(stores.databaseUrl);
  const startedAt = Date.now();

  const { hostname, port, pathname } = new URL(stores.redisUrl);
  const entry = 'XADD stream:seckill:1001 * uid 123 ts 1234567890'.split(' ');
  const added = await run('redis-cli', [
    '-h',
    hostname,
    '-p',
    port || '6379',
    '-n',
    pathname.slice(1),
    ...entry,
  ]);
  const streamId = added.stdout.trim();
  expect(streamId).toMatch(/^\d+-\d+$/);

  const curl = [
    '--silent',
    '--show-error',
    '-X',
    'POST',
    `http://localhost:${stores.port}/v1/orders/123/paid`,
  ];
  const paid = JSON.parse((await run('curl', curl)).stdout);
  expect(paid).toMatchObject({
    source: 'ORDER',
    sourceId: '123',
    productId: '1001',
    userId: '123',
    status: 'PROCESSING',
  });

  const rows = await pollUntil('both rows', 15_000, async () => {
    const found = await client.query(seedQuery('集成测试: 4. 查看数据库'));
    expect(found.rows).toHaveLength(2);
    return found.rows;
  });
  expect(rows).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        product_id: '1001',
        user_id: '123',
        source: 'SECKILL',
        source_id: streamId,
        status: 'PROCESSING',
      }),
      expect.objectContaining({
        product_id: '1001',
        user_id: '123',
        source: 'ORDER',
        source_id: '123',
        status: 'PROCESSING',
      }),
    ]),
  );
  const printed = await run('psql', ['-d', stores.databaseUrl, '-c', seedQuery('集成测试: 4. 查看数据库')]);
  for (const row of rows) expect(printed.stdout).toContain(row.instance_id);
  expect(printed.stdout).toContain('(2 rows)');

  const bySource = async (title: string) =>
    (await client.query(seedQuery(title))).rows.map(({ source_id }) => source_id);
  expect(await bySource('查询秒杀创建的实例')).toEqual([streamId]);
  expect(await bySource('查询订单创建的实例')).toEqual(['123']);

  const messages = await receive(stores.queue, 2);
  expect(messages.map(({ properties }) => properties.messageId).sort()).toEqual(
    rows.map(({ instance_id }) => instance_id).sort(),
  );
  for (const { content, fields, properties } of messages) {
    expect(fields).toMatchObject({ exchange: '', routingKey: stores.queue, redelivered: false });
    expect(properties).toMatchObject({
      contentType: 'application/octet-stream',
      type: 'INSTANCE_CREATED',
      deliveryMode: 2,
      appId: 'weir',
    });
    expect(Math.abs(properties.timestamp * 1000 - startedAt)).toBeLessThan(60_000);
    const id = properties.messageId;
    const event = fromBinary(EventSchema, content);
    expect(event).toMatchObject({
      eventType: 'INSTANCE_CREATED',
      instanceId: BigInt(id),
      userId: user123,
      name: `gpu-small-${id}`,
      spec: { cpus: 4, memoryMb: 16384, gpu: 1, image: 'ubuntu-22.04-cuda' },
    });
    expect(Math.abs(Number(event.timestamp?.seconds) * 1000 - startedAt)).toBeLessThan(60_000);
  }

  const again = JSON.parse((await run('curl', curl)).stdout);
  expect(again).toEqual(paid);
  expect((await client.query('SELECT FROM instance_logs')).rowCount).toBe(2);
});

test('an entry and an order traced by the ids of the seed are found by its queries', async () => {
  const stores = await writeSeedConfig();
  await startSeedWeir(stores);
  const client = await openClient(stores.databaseUrl);
  const redis = connectTestRedis(stores.redisUrl);
  await redis.xadd('stream:seckill:1001', '1234567890-0', 'uid', '123', 'ts', '1234567890');
  await redis.xadd('stream:seckill:1001', '*', 'uid', '124', 'ts', '1234567890');
  const url = `http://localhost:${stores.port}/v1/orders/ORD123456/paid`;
  expect((await sendRequest(url, 'POST', { productId: '1001', userId: '123' })).status).toBe(201);

  const find = async (title: string) => (await client.query(seedQuery(title))).rows;
  await pollUntil('three rows', 15_000, async () =>
    expect(await find('集成测试: 4. 查看数据库')).toHaveLength(3),
  );
  expect(await find('通过 StreamID 追溯')).toEqual([
    expect.objectContaining({
      source: 'SECKILL',
      source_id: '1234567890-0',
      product_id: '1001',
      user_id: '123',
    }),
  ]);
  expect(await find('通过 OrderID 追溯')).toEqual([
    expect.objectContaining({ source: 'ORDER', source_id: 'ORD123456', product_id: '1001', user_id: '123' }),
  ]);
  expect(await find('查询秒杀创建的实例')).toHaveLength(2);
});

test("the seed's table takes its own INSERT, and its SQL means what it says", async () => {
  const client = await openClient(await createPostgresDatabase());
  const rows: [source: string, status: string | undefined, minutesAgo: number][] = [
    ['SECKILL', 'SUCCESS', 0],
    ['SECKILL', 'FAILED', 0],
    ['SECKILL', undefined, 5],
    ['ORDER', 'SUCCESS', 5],
    ['ORDER', 'SUCCESS', 59],
    ['ORDER', 'SUCCESS', 61],
    ['ACTIVITY', undefined, 300],
  ];
  // One moment for all of them, so that no minute ends in between.
  const { rows: clock } = await client.query('SELECT NOW() AS now');
  for (const [i, [source, status, minutesAgo]] of rows.entries()) {
    const columns = ['product_id', 'user_id', 'instance_id', 'source', 'source_id', 'created_at'];
    const createdAt = new Date(clock[0].now.getTime() - minutesAgo * 60_000);
    const values = [1001, 123, i + 1, source, `ID${i}`, createdAt];
    if (status) {
      columns.push('status');
      values.push(status);
    }
    await client.query(
      `INSERT INTO instance_logs (${columns}) VALUES (${values.map((_, at) => `$${at + 1}`)})`,
      values,
    );
  }
  const ask = async (title: string) => (await client.query(seedQuery(title))).rows;
  const inOrder = (found: { source: string }[]) => found.sort((a, b) => a.source.localeCompare(b.source));

  expect(queries.size).toBe(8);
  for (const sql of queries.values()) expect((await client.query(sql)).rows).toBeInstanceOf(Array);
  expect(await ask('查询秒杀创建的实例')).toHaveLength(3);
  expect(await ask('查询订单创建的实例')).toHaveLength(3);
  expect(inOrder(await ask('统计各来源的实例创建数量'))).toEqual([
    { source: 'ACTIVITY', count: '1' },
    { source: 'ORDER', count: '3' },
    { source: 'SECKILL', count: '3' },
  ]);
  expect(inOrder(await ask('统计各来源的成功率'))).toEqual([
    { source: 'ACTIVITY', total: '1', success: '0', success_rate: '0.00' },
    { source: 'ORDER', total: '3', success: '3', success_rate: '100.00' },
    { source: 'SECKILL', total: '3', success: '1', success_rate: '33.33' },
  ]);

  const trend = (await ask('最近 1 小时的实例创建趋势')) as { minute: Date; source: string; count: string }[];
  const { rows: truth } = await client.query(
    `SELECT DISTINCT date_trunc('minute', created_at) AS minute FROM instance_logs
     WHERE created_at >= NOW() - INTERVAL '1 hour' ORDER BY minute DESC`,
  );
  expect(trend.map(({ source, count }) => `${source} ${count}`).sort()).toEqual(
    ['ORDER 1', 'ORDER 1', 'SECKILL 1', 'SECKILL 2'].sort(),
  );
  expect([...new Set(trend.map(({ minute }) => minute.getTime()))]).toEqual(
    truth.map(({ minute }) => minute.getTime()),
  );
  const [newest] = trend;
  expect(newest).toMatchObject({ source: 'SECKILL', count: '2' });
  const latest = await ask('集成测试: 4. 查看数据库');
  expect(latest.map(({ source_id }) => source_id).slice(-2)).toEqual(['ID5', 'ID6']);
});

test('a row made with no more than the seed names is in process and dated now', async () => {
  const client = await openClient(await createPostgresDatabase());
  const { rows } = await client.query(
    `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id)
     VALUES (1001, 123, 1, 'SECKILL', '1234567890-0') RETURNING *, created_at = updated_at AND created_at = NOW() AS dated`,
  );
  expect(rows[0]).toMatchObject({ id: '1', status: 'PROCESSING', dated: true });
  const { rows: columns } = await client.query(
    `SELECT column_name AS name, data_type AS type, character_maximum_length AS length, is_nullable AS nullable
     FROM information_schema.columns WHERE table_name = 'instance_logs' ORDER BY ordinal_position`,
  );
  const bigint = (name: string) => ({ name, type: 'bigint', length: null, nullable: 'NO' });
  const varchar = (name: string, length: number) => ({
    name,
    type: 'character varying',
    length,
    nullable: 'NO',
  });
  const time = (name: string) => ({ name, type: 'timestamp with time zone', length: null, nullable: 'YES' });
  expect(columns).toEqual(
    expect.arrayContaining([
      bigint('id'),
      bigint('product_id'),
      bigint('user_id'),
      bigint('instance_id'),
      varchar('source', 20),
      varchar('source_id', 64),
      varchar('status', 20),
      time('created_at'),
      time('updated_at'),
    ]),
  );
});

test("protoc reads the messages with the repository's own proto file", async (context) => {
  requirePrograms(context, 'protoc');
  const stores = await writeSeedConfig();
  await startSeedWeir(stores);
  const paid = await sendRequest(`http://localhost:${stores.port}/v1/orders/123/paid`, 'POST');
  const [message] = await receive(stores.queue, 1);

  const root = fileURLToPath(new URL('../..', import.meta.url));
  const decode = ['--decode=weir.v1.Event', '-I', 'proto', '-I', await writeWellKnownTypes()];
  const decoding = run('protoc', [...decode, 'proto/weir/v1/event.proto'], { cwd: root });
  decoding.child.stdin?.end(message?.content);
  const { stdout, stderr } = await decoding;
  expect(stderr).toBe('');
  const id = paid.body.instanceId;
  expect(stdout.replaceAll(/\s+/g, ' ').trim()).toMatch(
    new RegExp(
      `^event_type: "INSTANCE_CREATED" instance_id: ${id} user_id: "${user123}" name: "gpu-small-${id}" ` +
        'spec \\{ cpus: 4 memory_mb: 16384 gpu: 1 image: "ubuntu-22.04-cuda" \\} ' +
        'timestamp \\{ seconds: \\d{10}( nanos: \\d+)? \\}$',
    ),
  );
});

test('the demo catalogue is loaded once, however often it is asked for', async () => {
  const { file, databaseUrl } = await writeSeedConfig();
  for (let i = 0; i < 2; i++) expect(await runWeir(['demo', '-conf', file])).toMatchObject({ code: 0 });
  const client = await openClient(databaseUrl);
  const products = await client.query('SELECT id, name, enabled FROM products ORDER BY id');
  expect(products.rows[0]).toEqual({ id: '1001', name: 'GPU Small', enabled: true });
  const orders = await client.query('SELECT id, product_id, user_id, status FROM orders');
  expect(orders.rows).toEqual([{ id: '123', product_id: '1001', user_id: '123', status: 'PENDING' }]);
});
