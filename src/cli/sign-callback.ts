import { Webhook } from 'standardwebhooks';

/** The headers of Standard Webhooks. Without a secret there are none, and none are asked for. */
export function signCallback(secret: string | undefined, id: string, body: string): Record<string, string> {
  if (!secret) return {};
  const now = new Date();
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, now, body),
  };
}
