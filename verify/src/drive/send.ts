import type { Answer, Operation, Way } from '../history/operation.ts';
import { signWebhook } from '../installation/sign.ts';
import type { HttpAnswer, Weirs } from '../installation/weirs.ts';
import type { NotAdded, StreamStore } from '../stores/redis.ts';
import { type Shop, source, streamOf } from './shop.ts';

/** One attempt at one purchase. Never rejects. */
export type Send = (operation: Operation) => Promise<Answer>;

export interface SendDeps {
  weirs: Weirs;
  shop: Shop;
  webhookSecret: string | undefined;
  /** undefined: nothing is sent by stream. */
  streams: StreamStore | undefined;
}

export function createSenders({ weirs, shop, webhookSecret, streams }: SendDeps): Record<Way, Send> {
  return {
    async stream({ userId }) {
      const ts = String(Math.floor(Date.now() / 1000));
      try {
        const id = await streams?.addEntry(streamOf(shop.plain), ['uid', userId, 'ts', ts]);
        return id === undefined ? { outcome: 'refused', code: 'NO_REDIS' } : { outcome: 'ok', id };
      } catch (error) {
        const { message, isUndone } = error as NotAdded;
        return { outcome: 'unknown', cause: message, isUndone };
      }
    },

    async order(operation) {
      const { productId, userId, key } = operation;
      if (operation.orderId === undefined) {
        const made = await weirs.post('/v1/orders', { productId, userId }, { 'idempotency-key': key });
        if (made.status !== 201 && made.status !== 200) return toAnswer(made, 'id');
        operation.orderId = String(made.body.id);
      }
      const { orderId } = operation;
      const body = JSON.stringify({ orderId, productId, userId, ...paymentOf(operation, shop) });
      const path = `/v1/orders/${encodeURIComponent(orderId)}/paid`;
      return toAnswer(await weirs.post(path, body, signWebhook(webhookSecret, key, body)), 'instanceId');
    },

    async instance({ productId, userId, key }) {
      const purchase = { source, sourceId: key, productId, userId };
      return toAnswer(await weirs.post('/v1/instances', purchase), 'instanceId');
    },

    async buy({ productId, userId, key }) {
      const path = `/v1/sales/${productId}/buy`;
      return toAnswer(await weirs.post(path, { userId }, { 'idempotency-key': key }), 'streamId');
    },
  };
}

/** The facts of the payment, the same in every repeat. */
function paymentOf({ key, startedAtMs }: Operation, { plain }: Shop) {
  const paidAt = new Date(startedAtMs).toISOString();
  return { paymentId: paymentIdOf(key), amountCents: plain.priceCents, paidAt };
}

export const paymentIdOf = (key: string) => `pay-${key}`;

/** What HTTP says of a purchase: 429, 408 and 5xx say nothing, and are to be sent again. */
export function toAnswer({ status, code, body }: HttpAnswer, idField: string): Answer {
  const id = body[idField];
  if (status >= 200 && status < 300) {
    if (typeof id === 'string') return { outcome: 'ok', id };
    return { outcome: 'refused', code: [body.outcome, body.reason].filter(Boolean).join(' ') || 'NO_ID' };
  }
  const isUnknown = status === 0 || status === 408 || status === 429 || status >= 500;
  if (isUnknown) return { outcome: 'unknown', cause: status === 0 ? code : `${status} ${code}` };
  return { outcome: 'refused', code: `${status} ${code}` };
}
