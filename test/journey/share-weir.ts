import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type ChannelModel, type ConsumeMessage, connect } from 'amqplib';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { writeLastWill } from '../support/last-will.ts';
import { GiveUp, pollUntil } from '../support/poll-until.ts';
import { builtProgram } from '../support/seeded-bug.ts';
import {
  createRedisDatabase,
  deleteQueuesOf,
  postgresUrl,
  queuesBeside,
  rabbitmqUrl,
  templateName,
  uniqueName,
} from '../support/stores.ts';
import { createPool } from '../support/test-pool.ts';
import { type HttpAnswer, type LogLine, patientBuyers, sendRequest } from '../support/weir.ts';

/**
 * The built program on real stores, one for all tests of a file: its own database, queue and Redis database.
 * Every message on its queue is received and kept. A file with a failed test keeps its stores.
 */
export function shareWeir(settings: Record<string, string> = {}): SharedWeir {
  const weir = new SharedWeir();
  let failed = false;
  beforeAll(() => weir.open(settings));
  afterEach(({ task }) => {
    failed ||= task.result?.state === 'fail';
  });
  afterAll(() => weir.close(failed));
  return weir;
}

export class SharedWeir {
  url = '';
  readonly lines: LogLine[] = [];
  /** Every published message, in order; repeats included. */
  readonly heard: ConsumeMessage[] = [];
  database!: pg.Pool;
  redis!: Redis;
  /** Its environment, for a second process on the same stores. */
  settings: Record<string, string> = {};
  readonly queue = uniqueName('weir.test');
  readonly #databaseName = uniqueName('weir_test');
  #child: ChildProcess | undefined;
  #broker: ChannelModel | undefined;

  async open(settings: Record<string, string>): Promise<void> {
    await onServer(`CREATE DATABASE ${this.#databaseName} TEMPLATE ${templateName()}`);
    this.database = createPool(postgresUrl(this.#databaseName), 4);
    const redisUrl = await createRedisDatabase();
    this.redis = new Redis(redisUrl);
    this.settings = {
      WEIR_DATA_DATABASE_SOURCE: postgresUrl(this.#databaseName),
      WEIR_DATA_REDIS_ADDR: redisUrl,
      WEIR_DATA_RABBITMQ_URL: rabbitmqUrl,
      WEIR_DATA_RABBITMQ_QUEUE: this.queue,
      ...queuesBeside(this.queue),
      ...settings,
    };
    await this.#start(this.settings);
    await this.#listen();
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('Weir was not started');
    return pid;
  }

  request(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<HttpAnswer> {
    return sendRequest(this.url + path, method, body, headers);
  }

  async count(table: string): Promise<number> {
    const { rows } = await this.database.query(`SELECT count(*)::int AS count FROM ${table}`);
    return rows[0].count;
  }

  /**
   * The state that a refused request must not change; read when no event of an earlier test is in progress
   * any more.
   */
  async countEverything(): Promise<Record<string, number>> {
    const tables = ['products', 'orders', 'instance_logs', 'outbox', 'parked'];
    return pollUntil('every event to be published and heard', 15_000, async () => {
      const counts = await Promise.all(
        tables.map(async (table) => [table, await this.count(table)] as const),
      );
      const seen = { ...Object.fromEntries(counts), heard: this.heard.length };
      const { outbox = 0, instance_logs: rows = 0 } = Object.fromEntries(counts);
      if (outbox === 0 && this.heard.length >= rows) return seen;
      throw new Error(JSON.stringify(seen));
    });
  }

  /** The message of one instance, once it is published. */
  waitForMessage(instanceId: string): Promise<ConsumeMessage> {
    return pollUntil(`the message of instance ${instanceId}`, 15_000, async () => {
      const message = this.heard.find(({ properties }) => properties.messageId === instanceId);
      if (message) return message;
      throw new Error(`${this.heard.length} others were heard`);
    });
  }

  async close(keep: boolean): Promise<void> {
    if (this.#child && !hasEnded(this.#child)) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
    this.redis?.disconnect();
    await this.database?.end();
    if (this.#broker && !keep) {
      await deleteQueuesOf(this.#broker, this.queue);
    }
    await this.#broker?.close();
    if (keep) console.error(`kept for a look: database ${this.#databaseName}, queue ${this.queue}`);
    else await onServer(`DROP DATABASE IF EXISTS ${this.#databaseName} WITH (FORCE)`);
  }

  async #start(settings: Record<string, string>): Promise<void> {
    const child = spawn(process.execPath, [builtProgram(), 'start'], {
      env: {
        PATH: process.env.PATH ?? '',
        WEIR_LOG_LEVEL: 'debug',
        WEIR_LOG_FORMAT: 'json',
        WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0',
        ...patientBuyers,
        ...settings,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    // Also when a start fails and this worker ends without cleaning up: the process would continue to use the
    // Redis of the next file.
    const will = writeLastWill(await mkdtemp(join(tmpdir(), 'weir-shared-')));
    if (child.pid !== undefined) will.name([child.pid]);
    child.once('exit', () => will.revoke());
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.lines.push(line.startsWith('{') ? JSON.parse(line) : { msg: line });
    });
    const started = await pollUntil('Weir should start', 30_000, async () => {
      const line = this.lines.find(({ msg }) => msg === 'started');
      if (line) return line;
      const last = JSON.stringify(this.lines.at(-1));
      if (hasEnded(child)) throw new GiveUp(`Weir ended with ${child.exitCode ?? child.signalCode}: ${last}`);
      throw new Error(`its last line is ${last}`);
    });
    this.url = String(started.addr);
    await pollUntil('Weir should be ready', 15_000, async () => {
      const { status, body } = await this.request('GET', '/readyz');
      if (status !== 200) throw new Error(JSON.stringify(body));
    });
  }

  async #listen(): Promise<void> {
    this.#broker = await connect(rabbitmqUrl);
    const channel = await this.#broker.createChannel();
    await channel.consume(
      this.queue,
      (message) => {
        if (message) this.heard.push(message);
      },
      { noAck: true },
    );
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

export interface RawAnswer {
  status: number;
  contentType: string;
  headers: NodeJS.Dict<string | string[]>;
  text: string;
}

/** Raw bytes and headers that fetch() would not send, such as Host. */
export function sendRaw(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: Buffer | string,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path, headers, agent: false }, (response) => {
      // A stream of events has no end to wait for.
      if (response.headers['content-type'] === 'text/event-stream') response.destroy();
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          contentType: response.headers['content-type'] ?? '',
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client(postgresUrl());
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
