import type { Problem } from '../../api/answers.ts';
import { readConfig } from '../../config/config.ts';
import { splitAddr } from '../../lib/address.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { BrokenOff, downloadText } from './download-text.ts';
import { listenTo, type ServerEvent, UnexpectedAnswer } from './listen.ts';
import { type Answer, sendJson } from './send-json.ts';

export interface ApiOptions {
  config?: string;
  url?: string;
  key?: string;
}

/** The HTTP API of a running Weir. Operator commands use it, so they work with every kind of store. */
export class Api {
  readonly url: string;
  readonly #key: string | undefined;

  constructor(options: ApiOptions) {
    const { config } = readConfig(options.config, process.env);
    this.url = (options.url === undefined ? toUrl(config.server.http.addr) : readUrl(options.url)).replace(
      /\/$/,
      '',
    );
    this.#key = options.key ?? config.server.http.operatorKeys[0];
  }

  /** @throws CliError when Weir cannot be reached, or with the text of an error answer */
  get<T>(path: string): Promise<T> {
    return this.#ask<T>('GET', path);
  }

  /** @throws as get() */
  post<T>(path: string, body?: object, headers: Record<string, string> = {}): Promise<T> {
    return this.#ask<T>('POST', path, body && JSON.stringify(body), headers);
  }

  /** @throws as get() */
  patch<T>(path: string, body: object): Promise<T> {
    return this.#ask<T>('PATCH', path, JSON.stringify(body));
  }

  /** Yields server-sent events until they end or `signal` aborts. @throws as get() */
  async *listen(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    try {
      yield* listenTo(`${this.url}${path}`, this.authorization(), signal);
    } catch (error) {
      if (!(error instanceof UnexpectedAnswer)) throw this.#unreachable(error);
      throw toCliError(error.status, parseProblem(error.body));
    }
  }

  /** @throws as get() */
  delete<T>(path: string): Promise<T> {
    return this.#ask<T>('DELETE', path);
  }

  async #ask<T>(
    method: string,
    path: string,
    json?: string,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const { status, body } = await this.send<T & Partial<Problem>>(method, path, json, headers);
    if (status >= 400) throw toCliError(status, body);
    return body;
  }

  /** The body of a GET as it comes, in text. @throws as get(); also when the connection ends before the body does */
  async *download(path: string): AsyncGenerator<string> {
    try {
      yield* downloadText(new URL(`${this.url}${path}`), this.authorization());
    } catch (error) {
      if (error instanceof UnexpectedAnswer) throw toCliError(error.status, parseProblem(error.body));
      if (error instanceof BrokenOff) throw new CliError(exitCodes.failed, error.message, { cause: error });
      throw this.#unreachable(error);
    }
  }

  async send<T>(
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    try {
      const all = { ...this.authorization(), ...headers };
      return await sendJson<T>(new URL(`${this.url}${path}`), method, all, body);
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  /** The header of the operator key, if there is one. */
  authorization(): Record<string, string> {
    return this.#key ? { authorization: `Bearer ${this.#key}` } : {};
  }

  #unreachable(cause: unknown): CliError {
    const sentence = `cannot reach Weir at ${this.url} (is it running?); start it with npm start, or give --url`;
    return new CliError(exitCodes.unreachable, sentence, { cause });
  }
}

/** The answer's own text about the cause and the remedy. */
function toCliError(status: number, problem: Partial<Problem>): CliError {
  const { code, detail = JSON.stringify(problem), advice } = problem;
  const exitCode = exitCodeFor(status);
  const hints = advice && code !== 'REQUEST_INVALID' ? [advice] : [];
  if (code === 'UNAUTHENTICATED' || code === 'INSUFFICIENT_SCOPE') hints.push('Give it as WEIR_KEY.');
  if (code === 'SIGNATURE_INVALID') hints.push('Pass the file with server.http.webhookSecrets: -conf FILE.');
  const what =
    exitCode === exitCodes.usage || exitCode === exitCodes.notFound ? detail : `${status}: ${detail}`;
  return new CliError(exitCode, hints.length === 0 ? what : `${what}. ${hints.join(' ')}`);
}

function exitCodeFor(status: number): number {
  if (status === 400) return exitCodes.usage;
  if (status === 404) return exitCodes.notFound;
  return status === 503 ? exitCodes.unreachable : exitCodes.failed;
}

function parseProblem(body: string): Partial<Problem> {
  try {
    return JSON.parse(body) as Partial<Problem>;
  } catch {
    return { detail: body.slice(0, 200) };
  }
}

/** @throws CliError: `127.0.0.1:8000` is not a URL, and `localhost:8000` is one with the scheme localhost */
function readUrl(text: string): string {
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return text;
  throw new CliError(exitCodes.usage, `--url ${text}: expected http://host:port`);
}

function toUrl(addr: string): string {
  const { host, port } = splitAddr(addr);
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
