import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { withDeadline } from '../pause.ts';
import { parseRedisAddress, type RedisAddress } from './addresses.ts';

/** `absent`: Redis has lost it. `waiting`: Weir has not acknowledged it. */
export type EntryState = 'absent' | 'waiting' | 'taken';

/** Documented: the consumer group of Weir on each stream (docs/events.md). */
const weirGroup = 'weir';
const deadlineMs = 5_000;

/** The Redis of the installation, through a client that never sends a command twice: a second XADD is a second purchase. */
export class StreamStore {
  readonly #client: Redis | Cluster;

  constructor(address: string) {
    this.#client = connect(parseRedisAddress(address));
    this.#client.on('error', () => {});
  }

  /** @throws while Redis does not answer */
  async ping(): Promise<void> {
    const client = this.#client;
    if (client.status !== 'ready') {
      const ready = new Promise((resolve) => client.once('ready', resolve));
      await withDeadline('Redis', deadlineMs, ready);
    }
    await withDeadline('Redis', deadlineMs, client.ping());
  }

  /** @throws NotAdded */
  async addEntry(stream: string, fields: readonly string[]): Promise<string> {
    try {
      const id = await this.#ask(this.#client.xadd(stream, '*', ...fields));
      if (id === null) throw new Error('Redis answered nothing');
      return id;
    } catch (error) {
      throw new NotAdded(error as Error);
    }
  }

  async findEntry(stream: string, id: string): Promise<EntryState> {
    const found = await this.#ask(this.#client.xrange(stream, id, id));
    if (found.length === 0) return 'absent';
    const groups = (await this.#ask(this.#client.xinfo('GROUPS', stream))) as unknown[][];
    const group = groups.map(toRecord).find(({ name }) => name === weirGroup);
    if (!group || isAfter(id, String(group['last-delivered-id']))) return 'waiting';
    const pending = (await this.#ask(this.#client.xpending(stream, weirGroup, id, id, 1))) as unknown[];
    return pending.length > 0 ? 'waiting' : 'taken';
  }

  close(): void {
    this.#client.disconnect();
  }

  /** A connection that stays silent is given up, or it would stay silent for ever. */
  async #ask<T>(reply: Promise<T>): Promise<T> {
    try {
      return await withDeadline('Redis', deadlineMs, reply);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('Redis: no answer')) {
        this.#client.disconnect(true);
      }
      throw error;
    }
  }
}

/** Before a command is sent ioredis says one of these; an error reply means that Redis did not run it. */
const neverSent = /isn't writeable|isn't ready|None of startup nodes|Failed to refresh slots/;

export class NotAdded extends Error {
  /** Certainly without effect, so it may be sent again. */
  readonly isUndone: boolean;

  constructor(cause: Error) {
    super(cause.message, { cause });
    this.isUndone = cause.name === 'ReplyError' || neverSent.test(cause.message);
  }
}

function connect(address: RedisAddress): Redis | Cluster {
  const { kind, nodes, master, db, username, password, tls } = address;
  const common: RedisOptions = {
    connectionName: 'weir-verify',
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    connectTimeout: 3_000,
    disconnectTimeout: 100,
    retryStrategy: (attempt) => Math.min(500, 50 * attempt),
    // A primary that was demoted keeps its connections. 1: without sending the command again.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
  };
  if (kind === 'cluster') {
    // By default ioredis sends a command again 100 ms after its connection broke.
    return new Cluster(nodes, {
      ...{ enableOfflineQueue: false, retryDelayOnFailover: 0, retryDelayOnClusterDown: 0 },
      clusterRetryStrategy: (attempt) => Math.min(500, 50 * attempt),
      redisOptions: common,
    });
  }
  if (kind === 'sentinel') {
    const sentinelRetryStrategy = (attempt: number) => Math.min(500, 50 * attempt);
    return new Redis({ ...common, db, sentinels: nodes, name: master, sentinelRetryStrategy });
  }
  return new Redis({ ...common, db, ...nodes[0] });
}

function toRecord(flat: unknown[]): Record<string, unknown> {
  const entries = flat.flatMap((name, i) => (i % 2 === 0 ? [[String(name), flat[i + 1]]] : []));
  return Object.fromEntries(entries);
}

/** Ids of entries, `<ms>-<number>`: both parts can exceed 2^53. */
function isAfter(id: string, other: string): boolean {
  const [ms = 0n, number = 0n] = id.split('-').map(BigInt);
  const [otherMs = 0n, otherNumber = 0n] = other.split('-').map(BigInt);
  return ms === otherMs ? number > otherNumber : ms > otherMs;
}
