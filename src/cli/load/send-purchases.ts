import { randomInt } from 'node:crypto';
import type { LoadAnswer, LoadClient } from '../client/load-client.ts';
import { signCallback } from '../client/sign-callback.ts';
import type { Operation } from './mix.ts';

/** How to look up an accepted purchase. */
export type Accepted =
  | { instanceId: string }
  /** The status path of a stream entry. */
  | { purchase: string };

/** The answer to one request of a kind, and when it was due. */
type OnAnswer = (request: string, answer: Omit<LoadAnswer, 'body'>, plannedMs: number) => void;

export interface Sending {
  client: LoadClient;
  product: string;
  /** The source of `instance`. */
  source: string;
  webhookSecret: string | undefined;
  /** XADD when a Redis is configured; otherwise the demo route is used. @returns the entry's id */
  addEntry: ((stream: string, fields: string[]) => Promise<string>) | undefined;
  now: () => number;
  onSent: (request: string) => void;
  onAnswer: OnAnswer;
}

/** Sends one purchase of a new user. @returns undefined unless it was accepted */
type Send = (plannedMs: number) => Promise<Accepted | undefined>;

/** The requests of each operation, in order. */
export const requestsOf: Record<Operation, readonly string[]> = {
  buy: ['buy'],
  stream: ['stream'],
  order: ['order', 'callback'],
  instance: ['instance'],
};

/** Uses users and source ids that no other run uses. */
export function createSenders(sending: Sending): Record<Operation, Send> {
  const { client, product, source, webhookSecret, addEntry, now, onSent, onAnswer } = sending;
  const run = randomInt(2 ** 40);
  let users = 0;
  const nextUser = () => String(BigInt(run) * 4_000_000n + BigInt(++users));

  const request = async (kind: string, plannedMs: number, send: () => Promise<LoadAnswer>) => {
    onSent(kind);
    const { status, code, body } = await send();
    onAnswer(kind, { status, code }, plannedMs);
    return status >= 200 && status < 300 ? body : undefined;
  };
  const post = (path: string, body: object) => client.post(path, JSON.stringify(body));

  return {
    async buy(plannedMs) {
      const body = await request('buy', plannedMs, () =>
        post(`/v1/sales/${product}/buy`, { userId: nextUser() }),
      );
      return toEntry(product, body?.streamId);
    },
    async stream(plannedMs) {
      const userId = nextUser();
      const body = await request('stream', plannedMs, async () => {
        if (!addEntry) return post('/v1/try/seckill', { productId: product, firstUserId: userId });
        const ts = String(Math.floor(Date.now() / 1000));
        return addEntry(`stream:seckill:${product}`, ['uid', userId, 'ts', ts]).then(
          (id) => ({ status: 202, body: { firstStreamId: id } }),
          () => ({ status: 0, code: 'STORE_UNAVAILABLE' }),
        );
      });
      return toEntry(product, body?.firstStreamId);
    },
    async order(plannedMs) {
      const order = await request('order', plannedMs, () =>
        post('/v1/orders', { productId: product, userId: nextUser() }),
      );
      if (typeof order?.id !== 'string') return undefined;
      const orderId = order.id;
      const json = JSON.stringify({ orderId });
      const path = `/v1/orders/${encodeURIComponent(orderId)}/paid`;
      // The payer cannot pay before the order exists, so the callback is due when that request was answered.
      const headers = signCallback(webhookSecret, `load-${orderId}`, json);
      return toInstance(await request('callback', now(), () => client.post(path, json, headers)));
    },
    async instance(plannedMs) {
      const userId = nextUser();
      const purchase = { source, sourceId: `LOAD${run}-${users}`, productId: product, userId };
      return toInstance(await request('instance', plannedMs, () => post('/v1/instances', purchase)));
    },
  };
}

function toEntry(product: string, id: unknown): Accepted | undefined {
  if (typeof id !== 'string') return undefined;
  return { purchase: `/v1/sales/${product}/purchases/${encodeURIComponent(id)}` };
}

/** A payment that cannot become an instance is answered with 200 and what was done instead. */
function toInstance(body: Record<string, unknown> | undefined): Accepted | undefined {
  return typeof body?.instanceId === 'string' ? { instanceId: body.instanceId } : undefined;
}
