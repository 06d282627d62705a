export interface HttpAnswer {
  /** 0: no answer, and `code` is the cause. */
  status: number;
  code: string;
  body: Record<string, unknown>;
}

const deadlineMs = 10_000;

/** The Weirs of one installation, asked in turn. */
export class Weirs {
  readonly urls: readonly string[];
  readonly #authorization: Record<string, string>;
  #next = 0;

  constructor(urls: readonly string[], key: string | undefined) {
    this.urls = urls.map((url) => url.replace(/\/+$/, ''));
    this.#authorization = key ? { authorization: `Bearer ${key}` } : {};
  }

  /** Never rejects. */
  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> {
    return this.send('POST', path, typeof body === 'string' ? body : JSON.stringify(body), headers);
  }

  /** From any Weir that answers. @throws when none does, or the answer is not 200 */
  async get<T>(path: string): Promise<T> {
    let answer: HttpAnswer | undefined;
    for (let left = this.urls.length; left > 0; left--) {
      answer = await this.send('GET', path);
      if (answer.status === 200) return answer.body as T;
      if (answer.status !== 0 && answer.status < 500 && answer.status !== 429) break;
    }
    throw new Error(`cannot read ${path}: ${describe(answer)}`);
  }

  /** Every page of a list. */
  async list<T>(path: string, isBeyond: (item: T) => boolean = () => false): Promise<T[]> {
    const items: T[] = [];
    const separator = path.includes('?') ? '&' : '?';
    for (let cursor = ''; ; ) {
      const page = await this.get<{ items: T[]; nextCursor: string | null }>(
        `${path}${separator}limit=500${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
      );
      items.push(...page.items);
      const last = page.items.at(-1);
      if (page.nextCursor === null || (last !== undefined && isBeyond(last))) return items;
      cursor = page.nextCursor;
    }
  }

  async send(
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<HttpAnswer> {
    return this.sendTo(this.urls[this.#next++ % this.urls.length] as string, method, path, body, headers);
  }

  async sendTo(
    url: string,
    method: string,
    path: string,
    body?: string,
    headers: Record<string, string> = {},
  ): Promise<HttpAnswer> {
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          ...this.#authorization,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(deadlineMs),
      });
      const parsed = parseObject(await response.text());
      return { status: response.status, code: String(parsed.code ?? ''), body: parsed };
    } catch (error) {
      return { status: 0, code: causeOf(error), body: {} };
    }
  }
}

export function describe(answer: HttpAnswer | undefined): string {
  if (!answer) return 'no answer';
  const detail = typeof answer.body.detail === 'string' ? answer.body.detail : '';
  const what = answer.status === 0 ? 'no answer' : String(answer.status);
  return [what, answer.code, detail].filter((part) => part !== '').join(' ');
}

function causeOf(error: unknown): string {
  const { name, message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
  if (name === 'TimeoutError') return 'TIMEOUT';
  return cause?.code ?? cause?.message ?? message;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
