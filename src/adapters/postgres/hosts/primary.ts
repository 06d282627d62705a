import pg from 'pg';
import { pause } from '../../../lib/backoff.ts';
import { type ConnectionOptions, toClientConfig } from '../connection-options.ts';
import { findPrimary } from './find-primary.ts';
import {
  listPostgresHosts,
  type PostgresHost,
  readSessionTarget,
  type SessionTarget,
} from './postgres-hosts.ts';
import { createProbe, probeTimeoutMs, readRole } from './probe-host.ts';

/** How often the primary is asked whether it still is one. */
const checkEveryMs = 1_000;
/** The pause between two searches while none is found. */
const searchAgainMs = 250;

type OnMoved = (from: string, to: string) => void;

/**
 * The host that accepts writes, of several. It is looked for before the first connection, when a connection
 * cannot be opened, and when the present one does not answer a check. A host is left only for another one
 * that accepts writes: a slow primary is better than none. The connections to the former one are closed then,
 * because a frozen host would keep their callers waiting.
 */
export class Primary {
  readonly #hosts: readonly PostgresHost[];
  readonly #target: SessionTarget;
  readonly #onMoved: OnMoved;
  readonly #clients = new Map<pg.Client, PostgresHost>();
  readonly #end = new AbortController();
  #current: PostgresHost | undefined;
  #search: Promise<PostgresHost> | undefined;
  #probe: { client: pg.Client; host: PostgresHost } | undefined;

  constructor(options: ConnectionOptions, onMoved: OnMoved) {
    this.#hosts = listPostgresHosts(options);
    this.#target = readSessionTarget(options);
    this.#onMoved = onMoved;
  }

  /** A class of clients for a pool, each of which goes to the primary of its time. */
  get Client(): typeof pg.Client {
    const takeHost = () => this.#current ?? (this.#hosts[0] as PostgresHost);
    const clients = this.#clients;
    return class extends pg.Client {
      constructor(config?: string | pg.ClientConfig) {
        const host = takeHost();
        super({
          ...(config as pg.ClientConfig),
          ...toClientConfig(host.options),
          connectionTimeoutMillis: probeTimeoutMs,
        });
        clients.set(this, host);
        this.once('end', () => clients.delete(this));
      }
    };
  }

  /** @throws the pool's error, or why no host accepts writes */
  async connect(pool: pg.Pool): Promise<pg.PoolClient> {
    if (!this.#current) await this.#find();
    try {
      return await pool.connect();
    } catch (error) {
      if (isPoolExhausted(error)) throw error;
      await this.#find();
      return pool.connect();
    }
  }

  close(): void {
    this.#end.abort();
    this.#dropProbe();
  }

  /** Concurrent callers share one search. */
  #find(): Promise<PostgresHost> {
    this.#search ??= this.#searchHosts().finally(() => {
      this.#search = undefined;
    });
    return this.#search;
  }

  async #searchHosts(): Promise<PostgresHost> {
    const found = await findPrimary(this.#hosts, this.#target);
    const former = this.#current;
    this.#current = found;
    if (!former) void this.#watch();
    else if (former !== found) {
      this.#closeClientsOfOthers(found);
      this.#onMoved(former.name, found.name);
    }
    return found;
  }

  #closeClientsOfOthers(primary: PostgresHost): void {
    for (const [client, host] of this.#clients) {
      if (host !== primary) closeSocket(client);
    }
  }

  /** A pool whose connections all wait for a frozen host opens no new one, so time has to start the search. */
  async #watch(): Promise<void> {
    const { signal } = this.#end;
    let pauseMs = checkEveryMs;
    while (!signal.aborted) {
      await pause(pauseMs, signal);
      const isFound = (pauseMs === checkEveryMs && (await this.#isStillPrimary())) || (await this.#isFound());
      pauseMs = isFound ? checkEveryMs : searchAgainMs;
    }
    this.#dropProbe();
  }

  #isFound(): Promise<boolean> {
    return this.#find().then(
      () => true,
      () => false,
    );
  }

  async #isStillPrimary(): Promise<boolean> {
    const host = this.#current as PostgresHost;
    try {
      const client = await this.#openProbe(host);
      if ((await readRole(client, this.#target)) === 'writable') return true;
    } catch {
      // The search that follows finds out why.
    }
    this.#dropProbe();
    return false;
  }

  async #openProbe(host: PostgresHost): Promise<pg.Client> {
    if (this.#probe?.host === host) return this.#probe.client;
    this.#dropProbe();
    const client = createProbe(host);
    this.#probe = { client, host };
    await client.connect();
    return client;
  }

  #dropProbe(): void {
    this.#probe?.client.end().catch(() => {});
    this.#probe = undefined;
  }
}

/** All connections are in use: no host is to blame. */
function isPoolExhausted(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('timeout exceeded when trying to connect');
}

/** `end()` would send a farewell on an idle connection and wait for the host to answer it. */
function closeSocket(client: pg.Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}
