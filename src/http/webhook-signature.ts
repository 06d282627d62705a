import type { FastifyRequest } from 'fastify';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { WeirError } from '../errors.ts';
import { rawBody } from './json-body.ts';

/**
 * Checks the Standard Webhooks headers (webhook-id, -timestamp within five minutes, -signature) over the raw body with
 * any of the secrets. The path is not signed, so the body must name the order as well. Without secrets all pass.
 *
 * @throws WeirError SIGNATURE_INVALID or SIGNED_ORDER_DIFFERS
 */
export function createSignatureCheck(
  secrets: readonly string[],
): (request: FastifyRequest, orderId: string) => Promise<void> {
  const webhooks = secrets.map((secret) => new Webhook(secret));
  return async (request, orderId) => {
    if (webhooks.length === 0) return;
    const reasons = webhooks.map((webhook) => whyNot(webhook, request));
    if (reasons.every((reason) => reason !== undefined)) {
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

function whyNot(webhook: Webhook, request: FastifyRequest): string | undefined {
  try {
    webhook.verify(rawBody(request), request.headers as Record<string, string>);
    return undefined;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return error.message;
    // The library parses the payload after the check; what is not JSON has been refused before us.
    return 'the signature cannot be verified';
  }
}
