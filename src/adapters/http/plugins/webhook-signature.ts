import type { FastifyRequest } from 'fastify';
import { WeirError } from '../../../errors.ts';
import { StandardWebhook } from '../../../lib/standard-webhook.ts';
import { rawBody } from './json-body.ts';

/**
 * Route options. Callbacks are a few hundred bytes, and a signed one is hashed before its sender is known;
 * without secrets only this machine sends them.
 */
export function boundSignedBody(secrets: readonly string[]): { bodyLimit?: number } {
  return secrets.length > 0 ? { bodyLimit: 4 * 1024 } : {};
}

/**
 * Checks the Standard Webhooks headers (webhook-id, -timestamp within five minutes, -signature) over the raw
 * body, against each secret. The path is not signed, so the body must contain the order id too. Without
 * secrets every callback passes.
 *
 * @param onRejected counts a request without a valid signature; may throw RATE_LIMITED
 * @throws WeirError SIGNATURE_INVALID or SIGNED_ORDER_DIFFERS
 */
export function createSignatureCheck(
  secrets: readonly string[],
  onRejected: (request: FastifyRequest) => void,
): (request: FastifyRequest, orderId: string) => Promise<void> {
  const webhooks = secrets.map((secret) => new StandardWebhook(secret));
  return async (request, orderId) => {
    if (webhooks.length === 0) return;
    const reasons = webhooks.map((webhook) =>
      webhook.explainRejection(readHeaders(request), rawBody(request)),
    );
    if (reasons.every((reason) => reason !== undefined)) {
      onRejected(request);
      throw new WeirError('SIGNATURE_INVALID', reasons[0] ?? 'the signature does not match');
    }
    const signed = (request.body as { orderId?: unknown } | null | undefined)?.orderId;
    if (signed !== orderId) {
      throw new WeirError(
        'SIGNED_ORDER_DIFFERS',
        `the signed body names another order than the path, ${orderId}`,
      );
    }
  };
}

function readHeaders({ headers }: FastifyRequest) {
  // Node joins the values of a repeated header with a comma, which matches no signature.
  const read = (name: string) => headers[name] as string | undefined;
  return {
    id: read('webhook-id'),
    timestamp: read('webhook-timestamp'),
    signature: read('webhook-signature'),
  };
}
