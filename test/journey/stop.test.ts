import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findFreePort } from '../../scripts/services/find.mjs';
import { pollUntil } from '../support/poll-until.ts';
import { expectPromisesHold } from '../support/promises.ts';
import {
  connectTestRabbitmq,
  connectTestRedis,
  createPostgresDatabase,
  createQueueName,
  createRedisDatabase,
  drainQueue,
  rabbitmqUrl,
} from '../support/stores.ts';
import { openTestPool } from '../support/test-pool.ts';
import { type HttpAnswer, launchWeir, type RunningWeir, sendRequest, startWeir } from '../support/weir.ts';

const stream = 'stream:seckill:1001';

interface Stores {
  env: Record<string, string>;
  databaseUrl: string;
  redisUrl: string;
  queue: string;
  database: pg.Pool;
  redis: Redis;
}

async function createStores(): Promise<Stores> {
  const databaseUrl = await createPostgresDatabase();
  const redisUrl = await createRedisDatabase();
  const queue = createQueueName();
  const database = openTestPool(databaseUrl, 3);
  await database.query(
    "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu')",
  );
  const env = {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: redisUrl,
    WEIR_DATA_RABBITMQ_URL: rabbitmqUrl,
    WEIR_DATA_RABBITMQ_QUEUE: queue,
    WEIR_SECKILL_MINIDLEMS: '300',
  };
  return { env, databaseUrl, redisUrl, queue, database, redis: connectTestRedis(redisUrl) };
}

const gift = (number: number) => ({
  source: 'GIFT',
  sourceId: `G${number}`,
  productId: '1001',
  userId: `${1000 + number}`,
});
const keyOfGift = (number: number) => `GIFT  G${number} ${1000 + number}`;
const keyOfEntry = (id: string, user: number) => `SECKILL ${stream} ${id} ${user}`;

/** Winners put on the stream, as the keys of their purchases. */
async function addWinners(redis: Redis, users: readonly number[]): Promise<string[]> {
  const pipeline = redis.pipeline();
  for (const user of users) pipeline.xadd(stream, '*', 'uid', `${user}`, 'ts', '1234567890');
  const replies = (await pipeline.exec()) ?? [];
  return replies.map(([error, id], i) => {
    expect(error).toBeNull();
    return keyOfEntry(String(id), users[i] ?? 0);
  });
}

async function countPending(redis: Redis): Promise<number> {
  const [pending] = (await redis.xpending(stream, 'weir')) as [number];
  return pending;
}

/** Instances that were published, or wait for it in the outbox, by event. */
async function countEvents({ database, queue }: Stores): Promise<number> {
  const channel = await (await connectTestRabbitmq()).createChannel();
  const { messageCount } = await channel.checkQueue(queue);
  const { rows } = await database.query('SELECT coalesce(sum(events), 0)::int AS waiting FROM outbox');
  return messageCount + rows[0].waiting;
}

async function countRows({ database }: Stores): Promise<number> {
  const { rows } = await database.query('SELECT count(*)::int AS count FROM instance_logs');
  return rows[0].count;
}

/** Blocks every insert until released, and resolves when `waiting` of them are blocked. */
async function holdInserts({ database }: Stores) {
  const holder = await database.connect();
  await holder.query('BEGIN; LOCK TABLE instance_logs IN ACCESS EXCLUSIVE MODE');
  const release = async () => {
    await holder.query('ROLLBACK');
    holder.release();
  };
  const waitFor = (waiting: number) =>
    pollUntil(`${waiting} inserts to wait`, 10_000, async () => {
      const { rows } = await database.query(
        `SELECT count(*)::int AS waiting FROM pg_locks
         WHERE NOT granted AND relation = 'instance_logs'::regclass AND mode = 'RowExclusiveLock'`,
      );
      expect(rows[0].waiting).toBe(waiting);
    });
  return { release, waitFor };
}

async function waitForAnswer(asked: Promise<HttpAnswer>): Promise<HttpAnswer> {
  let answer: HttpAnswer | undefined;
  void asked.then((got) => {
    answer = got;
  });
  return pollUntil('the answer to a request in flight', 10_000, async () => {
    if (answer) return answer;
    throw new Error('nothing came');
  });
}

/** Well before the 30 s after which a platform kills a process that it has asked to stop. */
function waitForEnd({ process }: RunningWeir): Promise<void> {
  return pollUntil('Weir to end with 0', 10_000, async () => expect(process.exitCode).toBe(0));
}

function expectOrderlyStop({ lines }: RunningWeir): void {
  const told = lines.map(({ msg }) => msg);
  expect(told.indexOf('stopping')).toBeGreaterThan(0);
  expect(told.at(-1)).toBe('stopped');
  expect(told).not.toContain('stop hung');
}

describe('a stop', () => {
  test('a stop under load exits with 0, and the next start does the rest', async () => {
    const stores = await createStores();
    const weir = await startWeir(stores.env);
    const answered: number[] = [];
    let sent = 0;
    let isOver = false;
    const buyer = async () => {
      while (!isOver) {
        const number = ++sent;
        const answer = await weir.request('POST', '/v1/instances', gift(number)).catch(() => undefined);
        if (!answer) return; // no server listens any more
        if (answer.status === 201) answered.push(number);
        else expect(answer.status).toBe(503);
      }
    };
    const buyers = Array.from({ length: 8 }, buyer);
    const winners: string[] = [];
    const crowd = async () => {
      for (let i = 0; !isOver && i < 8_000; i += 200) {
        winners.push(
          ...(await addWinners(
            stores.redis,
            Array.from({ length: 200 }, (_, n) => 10_000 + i + n),
          )),
        );
      }
    };
    const adding = crowd();
    try {
      await pollUntil('the flood to be on', 15_000, async () => {
        expect(await countRows(stores)).toBeGreaterThan(1_000);
        expect(answered.length).toBeGreaterThan(50);
      });
      weir.process.kill('SIGTERM');
      await waitForEnd(weir);
    } finally {
      isOver = true;
      await Promise.all([...buyers, adding]);
    }
    expectOrderlyStop(weir);
    expect(await countPending(stores.redis)).toBe(0);
    const rows = await countRows(stores);
    await pollUntil('an event for each row', 5_000, async () => expect(await countEvents(stores)).toBe(rows));
    const { rows: gifts } = await stores.database.query(
      "SELECT source_id FROM instance_logs WHERE source = 'GIFT'",
    );
    expect(gifts.map(({ source_id }) => source_id).sort()).toEqual(
      answered.map((number) => `G${number}`).sort(),
    );

    await startWeir(stores.env);
    await expectPromisesHold({ ...stores, purchases: [...winners, ...answered.map(keyOfGift)] });
  });

  test('a stop waits until begun work is answered, acknowledged and published', async () => {
    const stores = await createStores();
    const weir = await startWeir(stores.env);
    const inserts = await holdInserts(stores);
    const asked = weir.request('POST', '/v1/instances', gift(1));
    await inserts.waitFor(1);
    const winners = await addWinners(stores.redis, [1, 2, 3]);
    await inserts.waitFor(2);

    weir.process.kill('SIGINT');
    await weir.waitFor('stopping');
    await pollUntil('the admission to be closed', 5_000, () => expectNobodyListens(weir.url));
    expect(weir.process.exitCode).toBeNull();
    await inserts.release();
    const answer = await waitForAnswer(asked);
    expect(answer.status).toBe(201);
    // The caller keeps the connection open, as browsers and proxies do: the process must end anyway.
    await waitForEnd(weir);
    expectOrderlyStop(weir);

    expect(await countPending(stores.redis)).toBe(0);
    const messages = await drainQueue(stores.queue, 4);
    expect(messages.map(({ id }) => id)).toContain(answer.body.instanceId);
    expect(messages).toHaveLength(4);
    const { rows } = await stores.database.query(
      "SELECT source || ' ' || scope || ' ' || source_id || ' ' || user_id AS key FROM instance_logs",
    );
    expect(rows.map(({ key }) => key).sort()).toEqual([...winners, keyOfGift(1)].sort());
    const { rows: waiting } = await stores.database.query('SELECT id FROM outbox');
    expect(waiting).toEqual([]);
  });

  test('a stop is cut short by a second signal, and the next start takes over', async () => {
    const stores = await createStores();
    const weir = await startWeir(stores.env);
    const inserts = await holdInserts(stores);
    const asked = weir.request('POST', '/v1/instances', gift(1)).catch((error: Error) => error);
    await inserts.waitFor(1);
    const winners = await addWinners(stores.redis, [1, 2, 3]);
    await inserts.waitFor(2);

    weir.process.kill('SIGTERM');
    await weir.waitFor('stopping');
    const signalledAt = performance.now();
    weir.process.kill('SIGTERM');
    expect(await weir.exited).toBe(1);
    expect(performance.now() - signalledAt).toBeLessThan(5_000);
    expect(weir.lines.at(-1)?.msg).toContain('second signal');
    expect(await asked).toBeInstanceOf(Error);
    expect(await countPending(stores.redis)).toBe(3);
    await inserts.release();

    const next = await startWeir(stores.env);
    // A caller without an answer repeats the request; the server may have executed the first insert.
    expect([200, 201]).toContain((await next.request('POST', '/v1/instances', gift(1))).status);
    await pollUntil('nothing to be pending', 15_000, async () =>
      expect(await countPending(stores.redis)).toBe(0),
    );
    await expectPromisesHold({ ...stores, purchases: [...winners, keyOfGift(1)] });
  });

  test('a stop without a broker leaves the events for the next start', async () => {
    const stores = await createStores();
    const admission = await createDoor(rabbitmqUrl);
    await admission.open();
    const weir = await startWeir({ ...stores.env, WEIR_DATA_RABBITMQ_URL: admission.url });
    await pollUntil('Weir to be ready', 15_000, async () => {
      expect((await weir.request('GET', '/readyz')).status).toBe(200);
    });
    await admission.close();
    await pollUntil('Weir to notice', 15_000, async () => {
      expect((await weir.request('GET', '/readyz')).body).toMatchObject({
        status: 'waiting',
        queue: expect.stringMatching(/connect/),
      });
    });
    expect((await weir.request('POST', '/v1/instances', gift(1))).status).toBe(201);
    expect(await weir.stop()).toBe(0);
    expectOrderlyStop(weir);
    const { rows } = await stores.database.query('SELECT events FROM outbox');
    expect(rows).toEqual([{ events: 1 }]);

    await startWeir(stores.env);
    await expectPromisesHold({ ...stores, purchases: [keyOfGift(1)] });
  });
});

describe('a start without its stores', () => {
  test('waits, says for what, takes nothing in, and works when they have come', async () => {
    const stores = await createStores();
    const doors = {
      database: await createDoor(stores.databaseUrl),
      redis: await createDoor(stores.redisUrl),
      rabbitmq: await createDoor(rabbitmqUrl),
    };
    const port = await findFreePort();
    const weir = launchWeir({
      ...stores.env,
      WEIR_SERVER_HTTP_ADDR: `127.0.0.1:${port}`,
      WEIR_DATA_DATABASE_SOURCE: doors.database.url,
      WEIR_DATA_REDIS_ADDR: doors.redis.url,
      WEIR_DATA_RABBITMQ_URL: doors.rabbitmq.url,
    });
    weir.url = `http://127.0.0.1:${port}`;
    const waiting = await pollUntil('readyz to answer', 15_000, () => weir.request('GET', '/readyz'));
    expect(waiting).toMatchObject({ status: 503, body: { status: 'waiting' } });
    expect(Number(waiting.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await weir.request('GET', '/healthz')).status).toBe(200);
    for (const [method, path, body] of [
      ['POST', '/v1/instances', gift(1)],
      ['POST', '/v1/orders/123/paid', undefined],
      ['GET', '/v1/instances', undefined],
    ] as const) {
      const answer = await weir.request(method, path, body);
      expect(answer).toMatchObject({ status: 503, body: { status: 503, code: 'STORE_UNAVAILABLE' } });
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    }
    expect(weir.lines.map(({ msg }) => msg)).not.toContain('started');
    expect(weir.process.exitCode).toBeNull();

    for (const admission of Object.values(doors)) await admission.open();
    await weir.waitFor('started');
    await pollUntil('Weir to be ready', 20_000, async () => {
      const { status, body } = await weir.request('GET', '/readyz');
      expect({ status, body }).toEqual({
        status: 200,
        body: { status: 'ready', database: 'ok', streams: 'ok', queue: 'ok', results: 'ok' },
      });
    });
    expect((await weir.request('POST', '/v1/instances', gift(1))).status).toBe(201);
    const winners = await addWinners(stores.redis, [1]);
    await expectPromisesHold({ ...stores, purchases: [...winners, keyOfGift(1)] });
  });

  test('a start without stores names each missing store in the log and in readyz', async () => {
    const port = await findFreePort();
    const nobody = `127.0.0.1:${await findFreePort()}`;
    const weir = launchWeir({
      WEIR_SERVER_HTTP_ADDR: `127.0.0.1:${port}`,
      WEIR_DATA_DATABASE_SOURCE: `postgres://postgres@${nobody}/x`,
      WEIR_DATA_REDIS_ADDR: nobody,
      WEIR_DATA_RABBITMQ_URL: `amqp://guest:guest@${nobody}`,
    });
    await pollUntil('a line about each store', 15_000, async () => {
      const failed = weir.lines.filter(({ msg }) => msg.startsWith('store failed'));
      expect(failed.map(({ store }) => store)).toEqual(
        expect.arrayContaining(['database', 'redis', 'rabbitmq']),
      );
    });
    const { status, body } = await sendRequest(`http://127.0.0.1:${port}/readyz`, 'GET');
    expect(status).toBe(503);
    const { database, streams, queue } = body;
    for (const state of [database, streams, queue]) expect(state).not.toBe('ok');
  });

  test('a start with only its database accepts purchases, and publishes them later', async () => {
    const stores = await createStores();
    const [redis, rabbitmq] = [await createDoor(stores.redisUrl), await createDoor(rabbitmqUrl)];
    const weir = await startWeir({
      ...stores.env,
      WEIR_DATA_REDIS_ADDR: redis.url,
      WEIR_DATA_RABBITMQ_URL: rabbitmq.url,
    });
    const winners = await addWinners(stores.redis, [1, 2]);
    expect((await weir.request('POST', '/v1/instances', gift(1))).status).toBe(201);
    const waiting = await weir.request('GET', '/readyz');
    expect(waiting).toMatchObject({
      status: 503,
      body: {
        status: 'waiting',
        database: 'ok',
        streams: expect.stringMatching(/Redis/),
        queue: expect.stringMatching(/connect/),
      },
    });
    expect(await countRows(stores)).toBe(1);

    await redis.open();
    await rabbitmq.open();
    await expectPromisesHold({ ...stores, purchases: [...winners, keyOfGift(1)] });
    await pollUntil('Weir to be ready', 10_000, async () => {
      expect((await weir.request('GET', '/readyz')).status).toBe(200);
    });
  });

  test('a start without stores can be stopped while it waits', async () => {
    const stores = await createStores();
    const admission = await createDoor(stores.databaseUrl);
    const weir = launchWeir({ ...stores.env, WEIR_DATA_DATABASE_SOURCE: admission.url });
    await weir.waitFor('store failed, trying again');
    const signalledAt = performance.now();
    expect(await weir.stop()).toBe(0);
    expect(performance.now() - signalledAt).toBeLessThan(10_000);
    expectOrderlyStop(weir);
    expect(weir.lines.map(({ msg }) => msg)).not.toContain('started');
  });
});

function expectNobodyListens(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = tcpConnect(Number(port), hostname);
    socket.on('error', () => resolve());
    socket.on('connect', () => {
      socket.destroy();
      reject(new Error(`somebody listens on ${port}`));
    });
  });
}

interface Door {
  /** The store's own refusal, passed on by the admission. */
  url: string;
  open(): Promise<void>;
  /** Accepts no new connection and closes the open ones. */
  close(): Promise<void>;
}

/** A path to a store on a port of its own; closed at first, so that connections are refused. */
async function createDoor(storeUrl: string): Promise<Door> {
  const target = new URL(storeUrl);
  const usualPorts: Record<string, number> = { 'postgres:': 5432, 'redis:': 6379, 'amqp:': 5672 };
  const targetPort = Number(target.port || usualPorts[target.protocol]);
  const host = target.hostname;
  const port = await findFreePort();
  target.port = String(port);
  target.hostname = '127.0.0.1';
  const sockets = new Set<Socket>();
  let server: Server | undefined;

  const close = async () => {
    const closing = server;
    server = undefined;
    for (const socket of sockets) socket.destroy();
    if (closing) await new Promise((resolve) => closing.close(resolve));
  };
  onTestFinished(close);
  return {
    url: target.href,
    close,
    async open() {
      const opened = createServer((outside) => {
        const inside = tcpConnect(targetPort, host);
        for (const [socket, other] of [
          [outside, inside],
          [inside, outside],
        ] as const) {
          sockets.add(socket);
          socket.on('error', () => other.destroy());
          socket.on('close', () => {
            sockets.delete(socket);
            other.destroy();
          });
          socket.pipe(other);
        }
      });
      server = opened;
      await new Promise<void>((resolve) => opened.listen(port, '127.0.0.1', resolve));
    },
  };
}
