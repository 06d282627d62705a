import type { Socket } from 'node:net';
import { type ChannelModel, connect } from 'amqplib';
import { backoffMs, pause, withDeadline } from '../pause.ts';
import { splitUrls } from './addresses.ts';

const deadlineMs = 10_000;

interface Connected {
  model: ChannelModel;
  ended: Promise<void>;
}

/** One connection, opened again at the next node whenever it ends, until closed. */
export class BrokerConnection {
  readonly #urls: readonly string[];
  readonly #attach: (model: ChannelModel) => Promise<void>;
  readonly #stop = new AbortController();
  #connected: Connected | undefined;
  #attempts = 0;
  #loop: Promise<void> | undefined;

  /** @param attach opens channels and consumers on each new connection */
  constructor(address: string, attach: (model: ChannelModel) => Promise<void>) {
    this.#urls = splitUrls(address);
    this.#attach = attach;
  }

  /** @throws why no node could be used */
  async open(): Promise<void> {
    for (let left = this.#urls.length; !this.#connected; left--) {
      try {
        this.#connected = await this.#connect();
      } catch (error) {
        if (left <= 1) throw error;
      }
    }
    this.#loop = this.#keepConnected(this.#connected);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    if (this.#connected) await endConnection(this.#connected.model);
    await this.#loop;
  }

  async #keepConnected(first: Connected): Promise<void> {
    await first.ended;
    for (let failures = 0; !this.#stop.signal.aborted; ) {
      this.#connected = await this.#connect().catch(() => undefined);
      if (this.#stop.signal.aborted) break;
      failures = this.#connected ? 0 : failures + 1;
      if (this.#connected) await this.#connected.ended;
      else await pause(backoffMs(failures), this.#stop.signal);
    }
    if (this.#connected) await endConnection(this.#connected.model);
  }

  async #connect(): Promise<Connected> {
    const url = new URL(this.#urls[this.#attempts++ % this.#urls.length] as string);
    if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', '5');
    const model = await connect(url.href, { timeout: 5_000, noDelay: true });
    const ended = new Promise<void>((resolve) => model.once('close', () => resolve()));
    model.on('error', () => {});
    try {
      // A queue without a leader answers nothing, while the heartbeats of its broker go on.
      await withDeadline('RabbitMQ', deadlineMs, this.#attach(model));
    } catch (error) {
      await endConnection(model);
      throw error;
    }
    return { model, ended };
  }
}

/** A broker that does not answer the close would leave it pending for ever. */
export async function endConnection(model: ChannelModel): Promise<void> {
  try {
    // It throws at once when the connection is closed already.
    await withDeadline('RabbitMQ', 2_000, model.close());
  } catch {
    breakOff(model);
  }
}

/** Ends a connection whose channel is of no use any more; the next one is opened at once. */
export function breakOff(model: ChannelModel): void {
  const { stream } = model.connection as unknown as { stream: Socket };
  // With an error: amqplib does not notice a stream that ends without one.
  stream.destroy(new Error('broken off'));
}
