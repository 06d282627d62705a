import { beforeAll, expect } from 'vitest';
import type { Scope } from '../../src/ops/access/scope.ts';
import { type RawAnswer, type SharedWeir, sendRaw, shareWeir } from './share-weir.ts';

const webhookSecret = `whsec_${Buffer.from('the secret that is in force').toString('base64')}`;

export interface Operation {
  method: string;
  /** With {names}. */
  path: string;
  scope: Scope | 'open' | 'signed';
  /** Without a key the route checks a ticket of the sale. */
  orTicket: boolean;
  hasBody: boolean;
  /** Its query parameters, as described. */
  query: string[];
}

/**
 * The page is the only route that the description does not contain; the server does not start with another.
 */
const page: Operation = {
  method: 'GET',
  path: '/',
  scope: 'open',
  orTicket: false,
  hasBody: false,
  query: [],
};

/** A Weir with a key of each scope, and the operations that its description contains. */
export class RoutedWeir {
  readonly weir: SharedWeir = shareWeir({
    WEIR_DEMO_ENABLED: 'true',
    WEIR_SERVER_HTTP_WEBHOOKSECRETS: webhookSecret,
    WEIR_SERVER_HTTP_METRICS: 'read',
    WEIR_SERVER_HTTP_REQUESTSPERMINUTE: '0',
    WEIR_SERVER_HTTP_LOGINSPERMINUTE: '0',
  });
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on what it does not find
  document: any;
  operations: Operation[] = [];
  readonly keys: Record<Scope | 'revoked', string> = { read: '', act: '', admin: '', revoked: '' };

  constructor() {
    beforeAll(() => this.#describe());
  }

  get asAdmin(): Record<string, string> {
    return bearer(this.keys.admin);
  }

  send(
    { method, path }: Pick<Operation, 'method' | 'path'>,
    headers: Record<string, string>,
    body?: Buffer | string,
  ): Promise<RawAnswer> {
    return sendRaw(this.weir.url, method, path, headers, body);
  }

  async #describe(): Promise<void> {
    for (const name of ['admin', 'act', 'read', 'revoked'] as const) {
      const scope = name === 'revoked' ? 'admin' : name;
      const { status, body } = await this.weir.request('POST', '/v1/keys', { name, scope }, this.asAdmin);
      expect(status).toBe(201);
      this.keys[name] = body.key;
      if (name === 'revoked')
        await this.weir.request('DELETE', `/v1/keys/${body.id}`, undefined, this.asAdmin);
    }
    this.document = (await this.weir.request('GET', '/openapi.json')).body;
    this.operations = [page].concat(
      Object.entries(this.document.paths as Record<string, Record<string, Record<string, unknown>>>).flatMap(
        ([path, methods]) =>
          Object.entries(methods).map(([method, operation]) => ({
            method: method.toUpperCase(),
            path,
            scope: operation['x-weir-scope'] as Operation['scope'],
            orTicket: (operation.security as object[]).some((way) => Object.keys(way).length === 0),
            hasBody: operation.requestBody !== undefined || method === 'post',
            query: ((operation.parameters ?? []) as { in: string; name: string }[])
              .filter((parameter) => parameter.in === 'query')
              .map(({ name }) => name),
          })),
      ),
    );
  }
}

export const bearer = (key: string): Record<string, string> =>
  key === '' ? {} : { authorization: `Bearer ${key}` };
export const json = { 'content-type': 'application/json' };
export const fill = (path: string, parameter = '1') => path.replaceAll(/\{\w+\}/g, parameter);
export const nameOf = ({ method, path }: Operation) => `${method} ${path}`;

/** Many at a time, but within the ports and the time that a machine has. */
export async function forAll<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < items.length; from += 64)
    await Promise.all(items.slice(from, from + 64).map(work));
}

/** No internals: no stack, statement, folder, address of a store, or secret. */
const leak =
  /\bat \S+ \(|\.(ts|js):\d+|node:internal|node_modules|\/(tmp|root|home|work|usr)\/|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE)\b|syntax error|relation "|(postgres|redis|amqp):\/\/|weir_test|whsec_|weir_(read|act|admin)_/;

/** An error answer is a problem with a code, and never an internal error. */
export function expectHonest(title: string, answer: RawAnswer): void {
  expect(answer.status, `${title}: ${answer.text.slice(0, 300)}`).toBeLessThan(500);
  if (answer.status < 400) return;
  expect(answer.contentType, title).toContain('application/problem+json');
  const problem = JSON.parse(answer.text);
  expect(problem, title).toMatchObject({
    status: answer.status,
    code: expect.stringMatching(/^[A-Z][A-Z_]+$/),
  });
  expect(answer.text, title).not.toMatch(leak);
}

export function expectRefused(title: string, answer: RawAnswer, status: number, code: string): void {
  expectHonest(title, answer);
  expect(answer.headers['x-request-id'], title).toMatch(/^[0-9a-f]{12}-\d+$/);
  expect(`${answer.status} ${JSON.parse(answer.text).code}`, title).toBe(`${status} ${code}`);
}
