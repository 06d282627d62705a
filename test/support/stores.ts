import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Channel, type ChannelModel, connect, type MessageProperties } from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { onTestFailed, onTestFinished } from 'vitest';
import { openPglite } from '../../src/adapters/embedded/pglite.ts';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { markQueueOf } from '../../src/adapters/rabbitmq/installation.ts';
import { nameCreatedQueues } from '../../src/core/outbox/created-queues.ts';
import type { Database } from '../../src/lib/sql.ts';

/** Read on each use: global-setup.ts sets the run's own servers. */
const servers = {
  get postgres() {
    return process.env.WEIR_TEST_POSTGRES || 'postgres://postgres@127.0.0.1:5432/postgres';
  },
  get redis() {
    return process.env.WEIR_TEST_REDIS || 'redis://127.0.0.1:6379';
  },
  rabbitmq: process.env.WEIR_TEST_RABBITMQ ?? 'amqp://guest:guest@127.0.0.1:5672',
};

export const rabbitmqUrl = servers.rabbitmq;

export function postgresUrl(database?: string): string {
  const url = new URL(servers.postgres);
  if (database) url.pathname = `/${database}`;
  return url.href;
}

export function templateName(): string {
  return process.env.WEIR_TEST_TEMPLATE ?? 'weir_test_template';
}

export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(5).toString('hex')}`;
}

/**
 * A failed test keeps its databases and queues, if the server outlives the run, and prints their names; a
 * passed one removes them.
 */
function cleanUpUnlessFailed(what: string, remove: () => Promise<unknown>): void {
  let failed = false;
  onTestFailed(() => {
    failed = true;
    console.error(`kept for a look: ${what}`);
  });
  onTestFinished(async () => {
    if (!failed) await remove();
  });
}

/** The URL of a migrated PostgreSQL database of the test. */
export async function createPostgresDatabase(): Promise<string> {
  const name = uniqueName('weir_test');
  await onServer(`CREATE DATABASE ${name} TEMPLATE ${templateName()}`);
  cleanUpUnlessFailed(`database ${name}`, () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  return postgresUrl(name);
}

/** The URL of an empty PostgreSQL database of the test. */
export async function createEmptyPostgresDatabase(): Promise<string> {
  const name = uniqueName('weir_test');
  await onServer(`CREATE DATABASE ${name}`);
  cleanUpUnlessFailed(`database ${name}`, () => onServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  return postgresUrl(name);
}

export async function openTestPostgres(): Promise<Database> {
  const url = await createPostgresDatabase();
  const database = openPostgresServer({ url, maxConnections: 8, onConnectionError() {} });
  onTestFinished(() => database.close());
  return database;
}

export async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-test-'));
  cleanUpUnlessFailed(`folder ${folder}`, () => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with a migrated embedded database: a copy, since creating one takes seconds. */
export async function createPgliteFolder(): Promise<string> {
  const folder = await createFolder();
  await cp(process.env.WEIR_TEST_PGLITE_TEMPLATE ?? '', folder, { recursive: true });
  return folder;
}

let pglite: Promise<Database> | undefined;

/** One for all tests of a file, emptied for each: opening one takes over a second. */
export async function openTestPglite(): Promise<Database> {
  pglite ??= openTemplateCopy();
  const database = await pglite;
  await empty(database);
  return database;
}

async function openTemplateCopy(): Promise<Database> {
  const template = process.env.WEIR_TEST_PGLITE_TEMPLATE ?? '';
  // Attached the template, which the run removes with all that is beside it: a worker ends without a last word.
  const folder = await mkdtemp(join(dirname(template), 'copy-'));
  await cp(template, folder, { recursive: true });
  return openPglite(folder);
}

/** The state after the migrations. */
async function empty(database: Database): Promise<void> {
  const kept = "('schema_migrations', 'embedded_migrations', 'worker_leases')";
  const tables = await database.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ${kept}`,
  );
  await database.runScript(`
    ALTER TABLE activity DISABLE TRIGGER activity_not_truncated;
    TRUNCATE ${tables.map(({ name }) => name).join(', ')} RESTART IDENTITY CASCADE;
    ALTER TABLE activity ENABLE TRIGGER activity_not_truncated;
    UPDATE worker_leases SET expires_at = '-infinity' WHERE expires_at > '-infinity';
    INSERT INTO embedded_cursor DEFAULT VALUES;
    INSERT INTO overdue_cursor DEFAULT VALUES;
    INSERT INTO audit_checkpoint DEFAULT VALUES;
    INSERT INTO published VALUES ('CREATED', 0, 0);
    INSERT INTO outbox_marks (at, waiting, published) VALUES (now() - interval '1 minute', 0, 0);
  `);
}

/**
 * The URL of an empty Redis database that no other test of the run has used, so that a process that outlives
 * its test does no harm.
 */
export async function createRedisDatabase(): Promise<string> {
  const server = servers.redis.replace(/\/\d*$/, '');
  const redis = new Redis(server);
  const [, databases = '16'] = (await redis.config('GET', 'databases')) as string[];
  const number = 1 + ((await redis.incr('weir test databases given out')) % (Number(databases) - 1));
  await redis.select(number);
  await redis.flushdb();
  redis.disconnect();
  return `${server}/${number}`;
}

export function connectTestRedis(url: string): Redis {
  const redis = new Redis(url);
  // A test may stop the server; its own commands then fail anyway.
  redis.on('error', () => {});
  onTestFinished(() => redis.disconnect());
  return redis;
}

/** A queue name of the test; the queue is deleted with the test, and so are those of `queuesBeside`. */
export function createQueueName(): string {
  const name = uniqueName('weir.test');
  cleanUpUnlessFailed(`queue ${name}`, async () => {
    const connection = await connect(rabbitmqUrl);
    await deleteQueuesOf(connection, name);
    await connection.close();
  });
  return name;
}

/**
 * Deletes the existing queues of a Weir with this created queue. Each is purged first: RabbitMQ 3.10 loses
 * the process that moves dead letters when a queue is deleted within milliseconds after its declaration, and
 * after two such losses in five seconds it refuses every new queue with dead-lettering until it is restarted.
 * A purge is answered after that process has started.
 */
export async function deleteQueuesOf(connection: ChannelModel, queue: string): Promise<void> {
  const numbered = nameCreatedQueues(queue, 64);
  for (const name of [queue, ...Object.values(queuesBeside(queue)), markQueueOf(queue), ...numbered]) {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    // The channel closes when there is no such queue.
    const exists = await channel.purgeQueue(name).then(
      () => true,
      () => false,
    );
    // Of the numbered ones none follows the first that is missing.
    if (!exists && numbered.includes(name)) break;
    if (!exists) continue;
    await channel.deleteQueue(name);
    await channel.close();
  }
}

/** The other queues of a Weir with this created queue, so that no test reads another's results. */
export function queuesBeside(queue: string): Record<string, string> {
  return {
    WEIR_DATA_RABBITMQ_RESULTQUEUE: `${queue}.result`,
    WEIR_DATA_RABBITMQ_RELEASEQUEUE: `${queue}.release`,
    WEIR_DATA_RABBITMQ_REFUNDQUEUE: `${queue}.refund`,
    WEIR_DATA_RABBITMQ_DEADLETTERQUEUE: `${queue}.dead-letter`,
  };
}

export async function connectTestRabbitmq(): Promise<ChannelModel> {
  const connection = await connect(rabbitmqUrl);
  connection.on('error', () => {});
  onTestFinished(() => connection.close().catch(() => {}));
  return connection;
}

export interface ReceivedMessage {
  id: string;
  body: Buffer;
  properties: MessageProperties;
}

/** Consumes everything from the queue until it stays empty; `atLeast`: waits for that many messages first. */
export async function drainQueue(
  queue: string,
  atLeast = 0,
  url: string = rabbitmqUrl,
): Promise<ReceivedMessage[]> {
  const connection = await connect(url);
  const channel = await connection.createChannel();
  // A missing queue closes the channel; the call fails too.
  channel.on('error', () => {});
  const received: ReceivedMessage[] = [];
  const deadline = Date.now() + 15_000;
  try {
    for (;;) {
      const { messageCount } = await channel.checkQueue(queue);
      if (messageCount > 0) await takeMessages(channel, queue, received, messageCount);
      else if (received.length >= atLeast) return received;
      else if (Date.now() > deadline)
        throw new Error(`only ${received.length} of ${atLeast} messages on ${queue}`);
    }
  } finally {
    await connection.close();
  }
}

/**
 * Returns all messages, or those that arrive until none does for a second: fetching them one by one would
 * take a minute.
 */
async function takeMessages(
  channel: Channel,
  queue: string,
  received: ReceivedMessage[],
  count: number,
): Promise<void> {
  const enough = received.length + count;
  let lastAtMs = Date.now();
  const { consumerTag } = await channel.consume(
    queue,
    (message) => {
      if (!message) return;
      lastAtMs = Date.now();
      const { properties } = message;
      received.push({ id: String(properties.messageId), body: message.content, properties });
    },
    { noAck: true },
  );
  while (received.length < enough && Date.now() < lastAtMs + 1_000) await pause(5);
  await channel.cancel(consumerTag);
}

/** Undelivered messages on the queue. @throws while there is no such queue */
export async function countMessages(queue: string): Promise<number> {
  const connection = await connect(rabbitmqUrl);
  try {
    const channel = await connection.createChannel();
    channel.on('error', () => {});
    return (await channel.checkQueue(queue)).messageCount;
  } finally {
    await connection.close();
  }
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client(servers.postgres);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
