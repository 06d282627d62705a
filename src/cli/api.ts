import { readConfig } from '../config.ts';
import { splitAddr } from '../lib/address.ts';
import { CliError, exitCodes } from './exit-codes.ts';
import { type Answer, sendJson } from './send-json.ts';

export interface ApiOptions {
  config?: string;
  url?: string;
  key?: string;
}

/** The HTTP API of a running Weir. Operator commands go through it, so they work with every kind of store. */
export class Api {
  readonly url: string;
  readonly #key: string | undefined;

  constructor(options: ApiOptions) {
    const { config } = readConfig(options.config, process.env);
    this.url = (options.url ?? toUrl(config.addr)).replace(/\/$/, '');
    this.#key = options.key ?? config.operatorKeys[0];
  }

  /** @throws CliError when nobody answers, or with the answer's own words when it is an error */
  get<T>(path: string): Promise<T> {
    return this.#ask<T>('GET', path);
  }

  /** @throws as get() */
  post<T>(path: string, body?: object): Promise<T> {
    return this.#ask<T>('POST', path, body && JSON.stringify(body));
  }

  /** @throws as get() */
  patch<T>(path: string, body: object): Promise<T> {
    return this.#ask<T>('PATCH', path, JSON.stringify(body));
  }

  /** @throws as get() */
  delete<T>(path: string): Promise<T> {
    return this.#ask<T>('DELETE', path);
  }

  async #ask<T>(method: string, path: string, json?: string): Promise<T> {
    const { status, body } = await this.send<T & { detail?: string; advice?: string }>(method, path, json);
    if (status === 404) throw new CliError(exitCodes.notFound, body.detail ?? 'not found');
    if (status === 401 || status === 403)
      throw new CliError(exitCodes.failed, `${status}: ${body.detail}. ${body.advice} Give it as WEIR_KEY.`);
    if (status >= 400)
      throw new CliError(exitCodes.failed, `${status}: ${body.detail ?? JSON.stringify(body)}`);
    return body;
  }

  async send<T>(
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const authorization: Record<string, string> = this.#key ? { authorization: `Bearer ${this.#key}` } : {};
    try {
      return await sendJson<T>(new URL(`${this.url}${path}`), method, { ...authorization, ...headers }, body);
    } catch (error) {
      throw new CliError(
        exitCodes.unreachable,
        `no Weir answers at ${this.url}: start one with npm start, or give --url`,
        {
          cause: error,
        },
      );
    }
  }
}

function toUrl(addr: string): string {
  const { host, port } = splitAddr(addr);
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
