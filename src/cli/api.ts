import { readConfig, splitAddr } from '../config.ts';
import { CliError, exitCodes } from './exit-codes.ts';

export interface ApiOptions {
  config?: string;
  url?: string;
}

export interface Answer<T> {
  status: number;
  body: T;
}

/** The HTTP API of a running Weir. Operator commands go through it, so they work with every kind of store. */
export class Api {
  readonly url: string;
  readonly #key: string | undefined;

  constructor(options: ApiOptions) {
    const { config } = readConfig(options.config, process.env);
    this.url = (options.url ?? toUrl(config.addr)).replace(/\/$/, '');
    this.#key = config.operatorKeys[0];
  }

  /** @throws CliError when nobody answers, or with the answer's own words when it is an error */
  async get<T>(path: string): Promise<T> {
    const { status, body } = await this.send<T & { detail?: string }>('GET', path);
    if (status === 404) throw new CliError(exitCodes.notFound, body.detail ?? 'not found');
    if (status >= 400) throw new CliError(exitCodes.failed, `${status}: ${body.detail ?? JSON.stringify(body)}`);
    return body;
  }

  async send<T>(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer<T>> {
    try {
      const response = await fetch(`${this.url}${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(this.#key ? { authorization: `Bearer ${this.#key}` } : {}),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(30_000),
      });
      return { status: response.status, body: (await response.json()) as T };
    } catch (error) {
      throw new CliError(exitCodes.unreachable, `no Weir answers at ${this.url}: start one with npm start, or give --url`, {
        cause: error,
      });
    }
  }
}

function toUrl(addr: string): string {
  const { host, port } = splitAddr(addr);
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
