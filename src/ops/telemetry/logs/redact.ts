import type { Config } from '../../../config/config.ts';

/** Shorter secrets occur in ordinary words; redacting them would hide the log instead. */
const shortestSecret = 4;

type Secrets = Pick<Config, 'server' | 'data'>;

/**
 * Replaces every configured password, key and secret with *** anywhere in a line. Fields known to contain
 * credentials are never logged; this catches the rest.
 */
export function createRedactor(config: Secrets): (value: unknown) => unknown {
  const secrets = listSecrets(config);
  if (secrets.length === 0) return (value) => value;
  const redactText = (text: string) =>
    secrets.reduce(
      (clean, secret) => (clean.includes(secret) ? clean.replaceAll(secret, '***') : clean),
      text,
    );
  const redact = (value: unknown): unknown => {
    if (typeof value === 'string') return redactText(value);
    if (Array.isArray(value)) return value.map(redact);
    if (typeof value !== 'object' || value === null || value instanceof Date) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, redact(inner)]));
  };
  return redact;
}

/** Longest first: one secret may contain another. */
function listSecrets({ server: { http }, data }: Secrets): string[] {
  const { operatorKeys, webhookSecrets } = http;
  const { managementUrl } = data.rabbitmq;
  const urls = [data.database.source, data.redis.addr, data.rabbitmq.url, managementUrl];
  const passwords = urls.flatMap(readPassword);
  const keys = webhookSecrets.flatMap((secret) => [secret, secret.replace(/^whsec_/, '')]);
  return [...new Set([...passwords, ...operatorKeys, ...keys])]
    .filter(({ length }) => length >= shortestSecret)
    .sort((a, b) => b.length - a.length);
}

/** As written in the URL, and decoded as it is sent. */
function readPassword(url: string): string[] {
  // A list of hosts is no URL for URL: without the hosts it is one.
  const [, scheme = '', login = '', query = ''] =
    /^([^:]+:\/\/)([^/?#]*@)?[^/?]*[^?]*(\?.*)?$/.exec(url) ?? [];
  const alone = `${scheme}${login}host${query}`;
  if (!URL.canParse(alone)) return [];
  const { password, searchParams } = new URL(alone);
  const passwords = [password, searchParams.get('sentinelPassword') ?? ''];
  try {
    return [...passwords, decodeURIComponent(password)];
  } catch {
    return passwords;
  }
}
