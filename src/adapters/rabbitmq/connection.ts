import type { Socket } from 'node:net';
import type { ChannelModel } from 'amqplib';
import { backoffMs } from '../../lib/backoff.ts';
import { createDeferred } from '../../lib/deferred.ts';
import { messageOf } from '../../lib/message-of.ts';
import { pauseBeforeRetry } from '../../lib/recovery.ts';
import { type BrokerAddress, connectTo, NodeOrder } from './nodes.ts';

export interface ConnectionEvents {
  /** Called when the connection was lost, or when no node can be used. */
  onDown: (error: unknown, attempt: number) => void;
  /** Called when the connection is back after a failure. */
  onUp: () => void;
  /** Called when one of several nodes cannot be used; the next one is tried immediately. */
  onNodeDown?: ((node: string, why: string) => void) | undefined;
}

interface ConnectionDeps extends BrokerAddress, ConnectionEvents {
  /**
   * Runs first on every new connection: a broker of another installation is left untouched. @throws the
   * reason
   */
  verify?: ((connection: ChannelModel) => Promise<void>) | undefined;
  /** Runs on every new connection before it counts as ready. */
  prepare: (connection: ChannelModel) => Promise<void>;
}

const retry = { firstMs: 200, maxMs: 10_000 };
const closeDeadlineMs = 2_000;
const prepareDeadlineMs = 15_000;
/** A node that blocks its publishers for longer is left for one that does not. */
const blockedMs = 2_000;

/**
 * One connection to the broker, reopened whenever it ends, until closed. One attempt at a time: the other
 * nodes immediately, all of them again with backoff.
 */
export class RabbitmqConnection {
  readonly #deps: ConnectionDeps;
  readonly #nodes: NodeOrder;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  #model: ChannelModel | undefined;
  #blocked: string | undefined;
  #lastError: unknown;
  #changed = createDeferred<void>();

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    this.#nodes = new NodeOrder(deps.url);
    this.#loop = this.#keepConnected();
  }

  /** Why the connection is not ready; undefined while it is. */
  get notReady(): string | undefined {
    if (this.#blocked)
      return `the broker has blocked publishers: ${this.#blocked} (${this.#nodes.current.name})`;
    if (this.#model) return undefined;
    const why = this.#nodes.explain();
    return why === '' ? 'connecting' : `not connected: ${why}`;
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
    let failedNodes = 0;
    while (!this.#stop.signal.aborted) {
      let wasReady = false;
      try {
        const model = await connectTo(this.#nodes.current, { tls: this.#deps.tls, among: this.#nodes.count });
        await this.#use(model, () => {
          wasReady = true;
          this.#lastError = undefined;
          if (attempt > 0) this.#deps.onUp();
          attempt = 0;
        });
      } catch (error) {
        this.#lastError = error;
      }
      this.#model = undefined;
      this.#blocked = undefined;
      if (this.#stop.signal.aborted) break;
      if (!this.#leaveNode(wasReady, ++failedNodes)) continue;
      failedNodes = 0;
      this.#deps.onDown(this.#lastError, ++attempt);
      await pauseBeforeRetry(backoffMs(attempt, retry), this.#stop.signal);
    }
    this.#emitChange();
  }

  /** Resolves when the connection has ended. */
  async #use(model: ChannelModel, onReady: () => void): Promise<void> {
    const ended = this.#watch(model);
    try {
      await this.#prepare(model);
      if (this.#stop.signal.aborted) return;
      this.#model = model;
      this.#nodes.clear();
      onReady();
      this.#emitChange();
      await ended;
    } finally {
      await closeOrBreakOff(model);
    }
  }

  /** @returns whether to wait before the next attempt: the connection was lost, or no node could be used */
  #leaveNode(wasReady: boolean, failedNodes: number): boolean {
    const { current, count } = this.#nodes;
    this.#lastError ??= new Error('the connection ended');
    const why = messageOf(this.#lastError);
    this.#nodes.note(why);
    this.#nodes.moveOn();
    if (count === 1) return true;
    this.#deps.onNodeDown?.(current.name, why);
    if (wasReady || failedNodes < count) return wasReady;
    this.#lastError = new Error(this.#nodes.explain(), { cause: this.#lastError });
    return true;
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
      this.#nodes.note(`it has blocked publishers: ${this.#blocked}`);
    });
    const leaving = setInterval(() => {
      if (this.#blocked && this.#nodes.hasBetter())
        breakOff(model, `it has blocked publishers: ${this.#blocked}`);
    }, blockedMs);
    model.on('unblocked', () => {
      this.#blocked = undefined;
      this.#emitChange();
    });
    return new Promise((resolve) => {
      model.on('close', (error) => {
        clearInterval(leaving);
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
