import { isFromWeir, reportAlive, reportLost } from './connection.ts';

/** What the API refused, in its own words (RFC 9457). */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly advice: string | undefined;
  /** Its other members, such as the stores while one of them is unavailable. */
  readonly body: object;

  constructor(status: number, body: Partial<Record<'code' | 'detail' | 'advice', string>>) {
    super(body.detail ?? `HTTP ${status}`);
    this.body = body;
    this.status = status;
    this.code = body.code ?? `HTTP_${status}`;
    this.advice = body.advice;
  }
}

/** The server cannot be reached; the page heals by itself. */
export class Unreachable extends Error {}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
export type Query = Record<string, string | number | undefined>;

let askForKey: () => void = () => {};

/** Called when the API wants a key that this browser has not given, or that has run out. */
export function onKeyRequired(ask: () => void): void {
  askForKey = ask;
}

/** Relative to the page, so that it works behind a proxy's prefix as well. */
export function apiUrl(path: string, query: Query = {}): string {
  const url = new URL(`v1/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
  }
  return url.href;
}

/** @throws Problem, or Unreachable */
export async function call<Answer>(
  method: Method,
  path: string,
  { query, body, signal }: { query?: Query; body?: unknown; signal?: AbortSignal } = {},
): Promise<Answer> {
  const response = await send(apiUrl(path, query), {
    method,
    credentials: 'same-origin',
    ...(signal ? { signal } : {}),
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = parse(text);
  if (response.ok) return answer as Answer;
  const problem = new Problem(response.status, (answer ?? {}) as Record<string, string>);
  // Another 401, such as that of a missing signature, says nothing of the session.
  if (problem.code === 'UNAUTHENTICATED') askForKey();
  throw problem;
}

export const get = <Answer>(path: string, query?: Query, signal?: AbortSignal): Promise<Answer> =>
  call('GET', path, { ...(query ? { query } : {}), ...(signal ? { signal } : {}) });

export const post = <Answer>(path: string, body?: unknown): Promise<Answer> => call('POST', path, { body });

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, init);
    if (!isFromWeir(response)) throw new Error(`a proxy answered ${response.status}`);
    reportAlive();
    return response;
  } catch (error) {
    if (init.signal?.aborted) throw error;
    reportLost();
    throw new Unreachable('the server does not answer', { cause: error });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
