import { signWebhook } from '../installation/sign.ts';
import { describe, type Weirs } from '../installation/weirs.ts';
import { backoffMs, pause } from '../pause.ts';
import type { RefundRequest } from './contract.ts';

/** What Weir answered to the report of each refund, by the message id of its request. */
export class RefundReports {
  readonly answers = new Map<string, 'ok' | string>();
  readonly #weirs: Weirs;
  readonly #secret: string | undefined;
  readonly #signal: AbortSignal;

  constructor(weirs: Weirs, secret: string | undefined, signal: AbortSignal) {
    this.#weirs = weirs;
    this.#secret = secret;
    this.#signal = signal;
  }

  /** Until there is an answer; what Weir refuses is recorded. */
  async report(messageId: string, { orderId, paymentId }: RefundRequest): Promise<void> {
    const body = JSON.stringify({ orderId, refunded: true, ...(paymentId && { paymentId }) });
    const path = `/v1/orders/${encodeURIComponent(orderId)}/refunded`;
    for (let attempt = 1; !this.#signal.aborted; attempt++) {
      const answer = await this.#weirs.post(path, body, signWebhook(this.#secret, messageId, body));
      const isKnown = answer.status !== 0 && answer.status !== 429 && answer.status < 500;
      if (isKnown) {
        this.answers.set(messageId, answer.status < 300 ? 'ok' : describe(answer));
        return;
      }
      await pause(backoffMs(attempt), this.#signal);
    }
  }
}
