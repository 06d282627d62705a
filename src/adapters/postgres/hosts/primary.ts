import pg from 'pg';
import { pause } from '../../../lib/backoff.ts';
import { type ConnectionOptions, toClientConfig } from '../connection-options.ts';
import { type FoundPrimary, findPrimary } from './find-primary.ts';
import { HostProbe, probeTimeoutMs } from './host-probe.ts';
import { listPostgresHosts, type PostgresHost, readSessionTarget } from './postgres-hosts.ts';

/** How often all hosts are asked. */
const searchEveryMs = 1_000;
/** The same while none of them accepts writes. */
const searchAgainMs = 250;

type OnMoved = (from: string, to: string) => void;

/**
 * The host that accepts writes, of several. All are asked before the first connection, when a connection
 * cannot be opened, and once a second: a pool whose connections all wait for a frozen host opens no new one,
 * and a former primary that is cut off from its cluster still accepts connections. A host is left only for
 * another one that accepts writes: a slow primary is better than none. The connections to the former one are
 * closed then, because their callers would wait.
 */
export class Primary {
  readonly #probes: readonly HostProbe[];
  readonly #onMoved: OnMoved;
  readonly #clients = new Map<pg.Client, PostgresHost>();
  readonly #end = new AbortController();
  #known: FoundPrimary | undefined;
  #search: Promise<void> | undefined;

  constructor(options: ConnectionOptions, onMoved: OnMoved) {
    const target = readSessionTarget(options);
    this.#probes = listPostgresHosts(options).map((host) => new HostProbe(host, target));
    this.#onMoved = onMoved;
  }

  /** A class of clients for a pool, each of which goes to the primary of its time. */
  get Client(): typeof pg.Client {
    const takeHost = () => this.#known?.host ?? (this.#probes[0] as HostProbe).host;
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
    if (!this.#known) await this.#find();
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
    for (const probe of this.#probes) probe.close();
  }

  /** Concurrent callers share one search. */
  #find(): Promise<void> {
    this.#search ??= this.#searchHosts().finally(() => {
      this.#search = undefined;
    });
    return this.#search;
  }

  async #searchHosts(): Promise<void> {
    const former = this.#known;
    const found = await findPrimary(this.#probes, former);
    this.#known = found;
    if (!former) void this.#watch();
    else if (former.host !== found.host) {
      this.#closeClientsOfOthers(found.host);
      this.#onMoved(former.host.name, found.host.name);
    }
  }

  #closeClientsOfOthers(primary: PostgresHost): void {
    for (const [client, host] of this.#clients) {
      if (host !== primary) closeSocket(client);
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#end;
    let pauseMs = searchEveryMs;
    while (!signal.aborted) {
      await pause(pauseMs, signal);
      if (signal.aborted) break;
      pauseMs = await this.#find().then(
        () => searchEveryMs,
        () => searchAgainMs,
      );
    }
    // A search that was under way has opened them again.
    this.close();
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
