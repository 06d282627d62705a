import http from 'node:http';
import https from 'node:https';

export interface LoadAnswer {
  /** 0: no answer; `code` is the reason. */
  status: number;
  code?: string | undefined;
  /** undefined unless it is the JSON of an accepted request. */
  body?: Record<string, unknown> | undefined;
}

const timeoutMs = 30_000;

/**
 * Sends JSON requests over a fixed number of kept connections, like a proxy. A connection for each request in
 * flight was tried: a busy embedded Weir had up to 380 opened at once, and requests on new ones waited up to
 * 30 s, while those on used ones took 0.1 s. Measured CPU per request: `node:http` with prepared options 60
 * to 96 µs, given a URL 89 to 128, `undici` 7 42 to 64, fetch 370 and more. A third less is not worth a
 * dependency: a second process can send too.
 */
export class LoadClient {
  readonly #request: typeof http.request;
  readonly #agent: http.Agent;
  readonly #options: http.RequestOptions;
  readonly #headers: Record<string, string>;
  readonly #prefix: string;
  readonly #connections: number;
  #inFlight = 0;
  /** Requests that had to wait for a connection; the wait counts as part of their latency. */
  waited = 0;

  constructor(url: string, authorization: Record<string, string>, connections: number) {
    const { protocol, hostname, port, pathname } = new URL(url);
    const isSecure = protocol === 'https:';
    const options = {
      keepAlive: true,
      maxSockets: connections,
      maxFreeSockets: connections,
      timeout: timeoutMs,
    };
    this.#request = isSecure ? https.request : http.request;
    this.#agent = isSecure ? new https.Agent(options) : new http.Agent(options);
    this.#options = { host: hostname.replace(/^\[|\]$/g, ''), ...(port && { port }), agent: this.#agent };
    this.#headers = { ...authorization, 'content-type': 'application/json' };
    this.#connections = connections;
    this.#prefix = pathname.replace(/\/$/, '');
  }

  /** Opens the connections. */
  async open(): Promise<void> {
    const one = { method: 'GET', path: '/healthz', headers: {} };
    await Promise.all(Array.from({ length: this.#connections }, () => this.#ask(one, undefined)));
  }

  /** Never rejects. */
  async post(path: string, body: string, headers: Record<string, string> = {}): Promise<LoadAnswer> {
    if (this.#inFlight >= this.#connections) this.waited++;
    this.#inFlight++;
    const length = { 'content-length': `${Buffer.byteLength(body)}` };
    try {
      return await this.#ask(
        { method: 'POST', path, headers: { ...this.#headers, ...headers, ...length } },
        body,
      );
    } finally {
      this.#inFlight--;
    }
  }

  #ask(
    { path, ...options }: { method: string; path: string; headers: Record<string, string> },
    body: string | undefined,
  ): Promise<LoadAnswer> {
    return new Promise((resolve) => {
      const fail = ({ code, message }: NodeJS.ErrnoException) =>
        resolve({ status: 0, code: code ?? message });
      const request = this.#request(
        { ...this.#options, ...options, path: this.#prefix + path },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', fail);
          response.on('end', () =>
            resolve(readAnswer(response.statusCode ?? 0, Buffer.concat(chunks).toString())),
          );
        },
      );
      request.on('timeout', () => request.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })));
      request.on('error', fail);
      request.end(body);
    });
  }

  /** Also ends requests in flight, which then have no answer. */
  close(): void {
    this.#agent.destroy();
  }
}

function readAnswer(status: number, text: string): LoadAnswer {
  const body = parseObject(text);
  if (status >= 200 && status < 300) return body ? { status, body } : { status: 0, code: 'NOT_JSON' };
  const code = body?.code;
  // Another server could send anything here, and each code becomes a line of the report.
  return { status, code: typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code) ? code : undefined };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
