import createClient, { type Client } from 'openapi-fetch';
import type { paths } from './schema.ts';

export type { paths };

/** Exports (`text/csv`) are read with `parseAs`. */
type Media = 'application/json' | 'application/problem+json';

export type WeirClient = Client<paths, Media>;

export interface WeirClientOptions {
  /** Where Weir answers, with the prefix of a proxy if there is one: `https://weir.example/`. */
  url: string;
  /** An operator key, sent as a bearer token. */
  key?: string;
  /** Replaces the global `fetch`, for example by one with its own proxy or certificate. */
  fetch?: (request: Request) => Promise<Response>;
  /** Time limit of a request in ms, default 10,000; 0 disables it. */
  timeoutMs?: number;
}

/**
 * Creates a client whose methods know each route, its parameters, its body and its answers:
 * `await weir.GET('/v1/instances/{id}', { params: { path: { id } } })`.
 *
 * @returns a client; each call resolves to `{ data, error, response }`, with `data` after success and with the
 * problem document (RFC 9457) as `error` after a refusal. A call rejects when Weir cannot be reached or does not
 * answer in time: its outcome is unknown then, and the same purchase may be sent again.
 */
export function createWeirClient({ url, key, fetch, timeoutMs = 10_000 }: WeirClientOptions): WeirClient {
  const client = createClient<paths, Media>({
    baseUrl: url,
    ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
    ...(fetch === undefined ? {} : { fetch }),
  });
  if (timeoutMs > 0) {
    client.use({
      onRequest: ({ request }) =>
        new Request(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]) }),
    });
  }
  return client;
}
