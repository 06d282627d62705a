import { StandardWebhook } from '../../lib/standard-webhook.ts';

/** The headers of Standard Webhooks; none without a secret, because then none are checked. */
export function signCallback(secret: string | undefined, id: string, body: string): Record<string, string> {
  if (!secret) return {};
  const timestamp = String(Math.floor(Date.now() / 1000));
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': new StandardWebhook(secret).sign(id, timestamp, body),
  };
}
