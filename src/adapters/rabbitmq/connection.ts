import type { Socket } from 'node:net';
import { type ChannelModel, connect } from 'amqplib';
import { backoffMs } from '../../lib/backoff.ts';
import { createDeferred } from '../../lib/deferred.ts';
import { pauseBeforeRetry } from '../../lib/recovery.ts';
import { type TlsFiles, withTls } from './tls.ts';

export interface ConnectionDeps {
  url: string;
  tls?: TlsFiles | undefined;
  /**
   * Runs first on every new connection: a broker of another installation is left untouched. @throws the
   * reason
   */
  verify?: ((connection: ChannelModel) => Promise<void>) | undefined;
  /** Runs on every new connection before it counts as ready. */
  prepare: (connection: ChannelModel) => Promise<void>;
  onDown: (error: unknown, attempt: number) => void;
  /** Called when the connection is back after a failure. */
  onUp: () => void;
}

const retry = { firstMs: 200, maxMs: 10_000 };
const closeDeadlineMs = 2_000;
const prepareDeadlineMs = 15_000;

/**
 * One connection to the broker, reopened with backoff whenever it ends, until closed. One attempt at a time.
 */
export class RabbitmqConnection {
  readonly #deps: ConnectionDeps;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #model: ChannelModel | undefined;
  #blocked: string | undefined;
  #lastError: unknown;
  #changed = createDeferred<void>();

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    this.#loop = this.#keepConnected();
  }

  /** Why the connection is not ready; undefined while it is. */
  get notReady(): string | undefined {
    if (this.#blocked) return `the broker has blocked publishers: ${this.#blocked}`;
    if (this.#model) return undefined;
    return this.#lastError instanceof Error ? `not connected: ${this.#lastError.message}` : 'connecting';
  }

  /** Resolves once ready. @throws when `signal` aborts or this connection is closed for good */
  async ready(signal: AbortSignal): Promise<void> {
    if (this.notReady === undefined) return;
    const waited = new AbortController();
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true, signal: waited.signal });
    });
    try {
      while (this.notReady !== undefined) {
        signal.throwIfAborted();
        this.#stop.signal.throwIfAborted();
        await Promise.race([this.#changed.promise, aborted]);
      }
    } finally {
      waited.abort();
    }
  }

  /** Ends an unresponsive connection; the next one is opened immediately. */
  breakOff(reason: string): void {
    if (this.#model) breakOff(this.#model, reason);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    if (this.#model) await closeOrBreakOff(this.#model);
    this.#emitChange();
    await this.#loop;
  }

  async #keepConnected(): Promise<void> {
    let attempt = 0;
    while (!this.#stop.signal.aborted) {
      try {
        // Read on each attempt: certificates are renewed while the process runs.
        const { url, options } = withTls(this.#deps.url, this.#deps.tls);
        const model = await connect(withHeartbeat(url), {
          ...options,
          timeout: 5_000,
          keepAlive: true,
          noDelay: true,
        });
        const ended = this.#watch(model);
        try {
          await this.#prepare(model);
          if (this.#stop.signal.aborted) break;
          this.#model = model;
          if (attempt > 0) this.#deps.onUp();
          attempt = 0;
          this.#emitChange();
          await ended;
        } finally {
          await closeOrBreakOff(model);
        }
      } catch (error) {
        this.#lastError = error;
      }
      this.#model = undefined;
      this.#blocked = undefined;
      if (this.#stop.signal.aborted) break;
      this.#deps.onDown(this.#lastError, ++attempt);
      await pauseBeforeRetry(backoffMs(attempt, retry), this.#stop.signal);
    }
    this.#emitChange();
  }

  /** A queue without a leader never answers a declaration, while the heartbeats of its broker continue. */
  async #prepare(model: ChannelModel): Promise<void> {
    const reason = `the queues were not declared within ${prepareDeadlineMs} ms: is one without a leader?`;
    const timer = setTimeout(() => {
      this.#lastError = new Error(reason);
      breakOff(model, reason);
    }, prepareDeadlineMs);
    try {
      await this.#deps.verify?.(model);
      await this.#deps.prepare(model);
    } finally {
      clearTimeout(timer);
    }
  }

  #watch(model: ChannelModel): Promise<void> {
    model.on('error', (error) => {
      this.#lastError = error;
    });
    model.on('blocked', (reason) => {
      this.#blocked = reason || 'no reason given';
    });
    model.on('unblocked', () => {
      this.#blocked = undefined;
      this.#emitChange();
    });
    return new Promise((resolve) => {
      model.on('close', (error) => {
        this.#lastError = error ?? this.#lastError;
        resolve();
      });
    });
  }

  #emitChange(): void {
    this.#changed.resolve();
    this.#changed = createDeferred<void>();
  }
}

/** amqplib's close() never settles when the broker answers it with an error, or not at all. */
async function closeOrBreakOff(model: ChannelModel): Promise<void> {
  const late = createDeferred<void>();
  const timer = setTimeout(() => {
    breakOff(model, 'the broker did not answer the close');
    late.resolve();
  }, closeDeadlineMs);
  await Promise.race([model.close().catch(() => {}), late.promise]);
  clearTimeout(timer);
}

function breakOff(model: ChannelModel, reason: string): void {
  const { stream } = model.connection as unknown as { stream: Socket };
  // With an error: amqplib does not notice a stream that ends without one.
  stream.destroy(new Error(reason));
}

function withHeartbeat(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', '10');
  return parsed.href;
}
