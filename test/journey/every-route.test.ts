import { readFileSync } from 'node:fs';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createOperatorKey, createSessionId } from '../../src/ops/access/operator-key.ts';
import { reaches, type Scope, scopes } from '../../src/ops/access/scope.ts';
import { type RawAnswer, sendRaw, shareWeir } from './share-weir.ts';

const webhookSecret = `whsec_${Buffer.from('the secret that is in force').toString('base64')}`;
const weir = shareWeir({
  WEIR_DEMO_ENABLED: 'true',
  WEIR_SERVER_HTTP_WEBHOOKSECRETS: webhookSecret,
  WEIR_SERVER_HTTP_METRICS: 'read',
  WEIR_SERVER_HTTP_REQUESTSPERMINUTE: '0',
  WEIR_SERVER_HTTP_LOGINSPERMINUTE: '0',
});

interface Operation {
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

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on what it does not find
let document: any;
let operations: Operation[] = [];
const keys: Record<Scope | 'revoked', string> = { read: '', act: '', admin: '', revoked: '' };

beforeAll(async () => {
  for (const name of ['admin', 'act', 'read', 'revoked'] as const) {
    const scope = name === 'revoked' ? 'admin' : name;
    const { status, body } = await weir.request('POST', '/v1/keys', { name, scope }, bearer(keys.admin));
    expect(status).toBe(201);
    keys[name] = body.key;
    if (name === 'revoked')
      await weir.request('DELETE', `/v1/keys/${body.id}`, undefined, bearer(keys.admin));
  }
  document = (await weir.request('GET', '/openapi.json')).body;
  operations = [page].concat(
    Object.entries(document.paths as Record<string, Record<string, Record<string, unknown>>>).flatMap(
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
});

const bearer = (key: string): Record<string, string> =>
  key === '' ? {} : { authorization: `Bearer ${key}` };
const json = { 'content-type': 'application/json' };
const fill = (path: string, parameter = '1') => path.replaceAll(/\{\w+\}/g, parameter);
const nameOf = ({ method, path }: Operation) => `${method} ${path}`;
const guarded = () => operations.filter(({ scope }) => scope !== 'open' && scope !== 'signed');
const send = (
  { method, path }: Pick<Operation, 'method' | 'path'>,
  headers: Record<string, string>,
  body?: Buffer | string,
) => sendRaw(weir.url, method, path, headers, body);

/** Many at a time, but within the ports and the time that a machine has. */
async function forAll<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += 64)
    await Promise.all(items.slice(from, from + 64).map(work));
}

/** No internals: no stack, statement, folder, address of a store, or secret. */
const leak =
  /\bat \S+ \(|\.(ts|js):\d+|node:internal|node_modules|\/(tmp|root|home|work|usr)\/|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE)\b|syntax error|relation "|(postgres|redis|amqp):\/\/|weir_test|whsec_|weir_(read|act|admin)_/;

/** An error answer is a problem with a code, and never an internal error. */
function expectHonest(title: string, answer: RawAnswer): void {
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

function expectRefused(title: string, answer: RawAnswer, status: number, code: string): void {
  expectHonest(title, answer);
  expect(answer.headers['x-request-id'], title).toMatch(/^[0-9a-f]{12}-\d+$/);
  expect(`${answer.status} ${JSON.parse(answer.text).code}`, title).toBe(`${status} ${code}`);
}

describe('the description', () => {
  test('the API description is OpenAPI 3.1 in which a strict linter finds nothing', async () => {
    expect(document.openapi).toBe('3.1.0');
    const config = await createConfig({ extends: ['recommended-strict'] });
    const lint = async (source: object) =>
      (await lintFromString({ source: JSON.stringify(source), config }))
        .map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`)
        // Ids of parked items are numbers, so no item is called jobs.
        .filter(
          (found) =>
            !found.endsWith(
              '`/v1/parked/{id}/replay` and `/v1/parked/jobs/{id}`. at #/paths/~1v1~1parked~1jobs~1{id}',
            ),
        );
    expect(await lint(document)).toEqual([]);
    const { operationId: _, ...anonymous } = document.paths['/v1/keys'].get;
    const broken = { ...document, paths: { ...document.paths, '/v1/keys': { get: anonymous } } };
    expect(await lint(broken)).toEqual([expect.stringContaining('operation-operationId')]);
  });

  test('the API description names each operation, its scope and its errors', () => {
    expect(operations.length).toBeGreaterThan(35);
    const ids = new Set<string>();
    for (const [path, methods] of Object.entries(document.paths as object)) {
      for (const [method, operation] of Object.entries(methods as object)) {
        const title = `${method} ${path}`;
        expect(operation.summary, title).toMatch(/^[A-Z]/);
        expect(operation.tags, title).toHaveLength(1);
        expect([...scopes, 'open', 'signed'], title).toContain(operation['x-weir-scope']);
        const schemes = operation.security.flatMap(Object.keys);
        expect(schemes.includes('operatorKey'), title).toBe(scopes.includes(operation['x-weir-scope']));
        expect(Object.keys(operation.responses), title).toEqual(
          expect.arrayContaining(['401', '403', '429', '503', '4XX', '5XX']),
        );
        expect(
          Object.keys(operation.responses).some((status) => status.startsWith('2')),
          title,
        ).toBe(true);
        ids.add(operation.operationId);
      }
    }
    expect(ids.size).toBe(operations.length - 1);
    const process = ['/metrics', '/healthz', '/readyz', '/openapi.json'];
    expect(operations.map(({ path }) => path)).toEqual(expect.arrayContaining(process));
  });
});

test('every form that a request is held to says in words what it must be', () => {
  const wordless: string[] = [];
  const visit = (schema: unknown, where: string) => {
    if (typeof schema !== 'object' || schema === null) return;
    if (('pattern' in schema || 'format' in schema) && !('description' in schema)) wordless.push(where);
    for (const [name, inner] of Object.entries(schema)) visit(inner, `${where}/${name}`);
  };
  for (const [path, methods] of Object.entries(document.paths as object)) {
    for (const [method, { parameters = [], requestBody }] of Object.entries(methods as object)) {
      for (const { name, schema, description } of parameters) {
        visit(description === undefined ? schema : { ...schema, description }, `${method} ${path}: ${name}`);
      }
      visit(requestBody, `${method} ${path}`);
    }
  }
  expect(wordless).toEqual([]);
});

test('the table in docs/http-api.md says of every route what the server says', () => {
  const contract = readFileSync(new URL('../../docs/http-api.md', import.meta.url), 'utf8');
  const written = [...contract.matchAll(/^\| `(read|act|admin|signed|open)` +\| (.*) \|$/gm)].flatMap(
    ([, scope, routes = '']) =>
      [...routes.matchAll(/`((?:GET|POST|PATCH|DELETE) \/v1[^`]*)`/g)].map(
        ([, route]) => `${scope} ${route}`,
      ),
  );
  const told = operations
    .filter(({ path }) => path.startsWith('/v1/'))
    .map((each) => `${each.scope} ${nameOf(each)}`);
  expect(written.sort()).toEqual(told.sort());
});

describe('every route', () => {
  test('every route is closed without a key, with a wrong key and with a wrong cookie', async () => {
    const name = `weir-${new URL(weir.url).port}`;
    const wrong: Record<string, Record<string, string>> = {
      'no key': {},
      'a wrong key': bearer(createOperatorKey('admin')),
      'a revoked key': bearer(keys.revoked),
      'a key as Basic': { authorization: `Basic ${keys.admin}` },
      'a wrong cookie': { cookie: `${name}=${createSessionId()}`, 'sec-fetch-site': 'same-origin' },
      'an odd cookie': { cookie: `${name}=%E0%A4%A; __proto__=1; ${name}=` },
    };
    const all = guarded().flatMap((operation) =>
      Object.entries(wrong).map(([title, headers]) => ({ operation, title, headers })),
    );
    await forAll(all, async ({ operation, title, headers }) => {
      const body = operation.hasBody ? '{}' : undefined;
      const answer = await send({ ...operation, path: fill(operation.path) }, { ...headers, ...json }, body);
      if (operation.orTicket && !('authorization' in headers)) {
        expectHonest(`${nameOf(operation)} with ${title}`, answer);
        expect(answer.status, nameOf(operation)).toBeGreaterThanOrEqual(400);
        return;
      }
      expectRefused(`${nameOf(operation)} with ${title}`, answer, 401, 'UNAUTHENTICATED');
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    });
  });

  test('every route read by GET is closed to HEAD as well', async () => {
    const all = guarded().filter(({ method, orTicket }) => method === 'GET' && !orTicket);
    await forAll(all, async ({ path }) => {
      const answer = await send({ method: 'HEAD', path: fill(path) }, {});
      expect(answer.status, path).toBe(401);
    });
  });

  test('every route is closed to a smaller scope and open to one that reaches', async () => {
    for (const operation of guarded()) {
      for (const scope of scopes) {
        const path = fill(operation.path, '999999');
        const answer = await send(
          { ...operation, path },
          { ...bearer(keys[scope]), ...json },
          operation.hasBody ? '[]' : undefined,
        );
        const title = `${nameOf(operation)} with scope ${scope}`;
        if (reaches(scope, operation.scope as Scope)) {
          expectHonest(title, answer);
          if (answer.status >= 400)
            expect(answer.text, title).not.toMatch(/"(UNAUTHENTICATED|INSUFFICIENT_SCOPE)"/);
        } else expectRefused(title, answer, 403, 'INSUFFICIENT_SCOPE');
      }
    }
  });

  test('every route refuses a page of another site, also without an Origin', async () => {
    for (const operation of operations.filter(({ path }) => path.startsWith('/v1/'))) {
      for (const site of ['cross-site', 'same-site']) {
        const headers = { ...bearer(keys.admin), 'sec-fetch-site': site };
        const answer = await send({ ...operation, path: fill(operation.path) }, headers);
        expectRefused(`${nameOf(operation)} from ${site}`, answer, 403, 'ORIGIN_NOT_ALLOWED');
      }
    }
  });

  test('every route that changes something refuses a page of another origin', async () => {
    const origin = { origin: 'https://evil.example' };
    for (const operation of operations.filter(({ method }) => method !== 'GET')) {
      const path = fill(operation.path);
      const body = operation.hasBody ? '{}' : undefined;
      const answer = await send({ ...operation, path }, { ...bearer(keys.admin), ...origin, ...json }, body);
      expectRefused(nameOf(operation), answer, 403, 'ORIGIN_NOT_ALLOWED');
    }
  });

  const oddBodies: Record<string, Buffer | string> = {
    nothing: '',
    'not JSON': '{"a":',
    'broken UTF-8': Buffer.from('7b2261223a22ff227d', 'hex'),
    '64 KiB of [': '['.repeat(65_536),
    'deep in a field': `{"key":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`,
    'too large': JSON.stringify({ name: 'x'.repeat(70_000) }),
    null: 'null',
    'an array': '[1,"2",null]',
    'a string': '"text"',
    'a number beyond 2^53': '9007199254740993',
    'prototype names':
      '{"__proto__":{"scope":"admin"},"constructor":{"prototype":{}},"toString":1,"hasOwnProperty":1}',
  };

  test.for(Object.entries(oddBodies))(
    'every route answers a body that is %s with a 4xx',
    async ([title, body]) => {
      await Promise.all(
        operations
          .filter(({ hasBody }) => hasBody)
          .map(async (operation) => {
            const path = fill(operation.path, '999999');
            const headers = { ...bearer(keys.admin), ...json };
            expectHonest(
              `${nameOf(operation)} with ${title}`,
              await send({ ...operation, path }, headers, body),
            );
          }),
      );
    },
  );

  const oddTexts = [
    '\0', 'a\0b', '\ud800', 'a\udfff\ud800b', '', ' ', '1e3', '-1', '0', '01', '٣', '__proto__', 'x'.repeat(600),
    '9223372036854775807', '9223372036854775808', `9${'0'.repeat(40)}`, "'; DROP TABLE products; --", '../../etc/passwd',
    '+275760-09-13T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:60Z', '2026-02-30T00:00:00Z',
  ]; // biome-ignore format: one below the other they would fill the page
  const oddThings = [
    null,
    true,
    0,
    -0,
    1.5,
    -1,
    2 ** 53,
    2 ** 53 + 2,
    1e308,
    2 ** 31,
    {},
    [],
    [[]],
    ['\0'],
    { a: '\0' },
  ];

  test('every route rejects each odd value in each field, or accepts it', async () => {
    const targets = await createTargets();
    // Otherwise the odd value would be refused for its neighbours.
    for (const operation of operations.filter(({ hasBody }) => hasBody)) {
      const path = targets.fill(operation.path);
      const body = JSON.stringify({ ...likelyBody(operation), ...targets.names(operation.path) });
      const { text } = await send({ ...operation, path }, { ...bearer(keys.admin), ...json }, body);
      expect(text, nameOf(operation)).not.toContain('REQUEST_INVALID');
    }
    const requests = operations
      .filter(({ hasBody }) => hasBody)
      .flatMap((operation) => {
        const likely = likelyBody(operation);
        return Object.keys(likely).flatMap((name) =>
          [...oddTexts, ...oddThings, [...oddTexts]].map((odd) => ({
            operation,
            body: { ...likely, ...targets.names(operation.path), [name]: odd },
          })),
        );
      });
    expect(requests.length).toBeGreaterThan(1_000);
    expect(requests.length).toBeLessThan(targetCount);
    await forAll(requests, async ({ operation, body }) => {
      const path = targets.fill(operation.path);
      const answer = await send(
        { ...operation, path },
        { ...bearer(keys.admin), ...json },
        JSON.stringify(body),
      );
      expectHonest(`${operation.method} ${path} with ${JSON.stringify(body).slice(0, 400)}`, answer);
    });
    for (const path of ['/v1/sales', '/v1/instances', '/v1/keys', '/v1/orders/123', '/v1/products']) {
      expect((await send({ method: 'GET', path }, bearer(keys.admin))).status, path).toBe(200);
    }
  });

  test('every route rejects arbitrary JSON as an error of the sender, or accepts it', async () => {
    const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: 'binary', maxLength: 40 }));
    const requests = operations
      .filter(({ hasBody }) => hasBody)
      .flatMap((operation) => {
        const fields = Object.keys(likelyBody(operation)).map((name) => [name, anything] as const);
        const arbitrary = fc.oneof(
          fc.record(Object.fromEntries(fields), { requiredKeys: [] }),
          fc.jsonValue(),
        );
        return fc.sample(arbitrary, 12).map((body) => ({ operation, body }));
      });
    await forAll(requests, async ({ operation, body }) => {
      const path = fill(operation.path, '999999');
      const answer = await send(
        { ...operation, path },
        { ...bearer(keys.admin), ...json },
        JSON.stringify(body),
      );
      expectHonest(`${nameOf(operation)} with ${JSON.stringify(body).slice(0, 400)}`, answer);
    });
  });

  const oddParameters = [
    '%00', '%2e%2e%2f%2e%2e', '%ED%A0%80', '%F0%9F%92%A9', '%', '%zz', '__proto__', 'constructor', '-1', '0', '1e3',
    '9223372036854775807', '9223372036854775808', '1'.repeat(255), 'x'.repeat(300), "1'--", '1%0d%0aset-cookie:a=b', '%E2%80%AE', '1;a=b', '*',
  ]; // biome-ignore format: one below the other they would fill the page

  test('every route answers odd path parameters as a mistake of the sender', async () => {
    const requests = operations
      .filter(({ path }) => path.includes('{'))
      .flatMap((operation) =>
        oddParameters.map((parameter) => ({ operation, path: fill(operation.path, parameter) })),
      );
    await forAll(requests, async ({ operation, path }) => {
      const body = operation.hasBody ? '{}' : undefined;
      const answer = await send({ ...operation, path }, { ...bearer(keys.admin), ...json }, body);
      expectHonest(`${operation.method} ${path}`, answer);
      expect(answer.headers['set-cookie']).toBeUndefined();
    });
  });

  test('every route answers odd query strings as a mistake of the sender', async () => {
    const values = [
      '',
      '%00',
      'a%00b',
      '%ED%A0%80',
      '1&NAME=2',
      '[]',
      '1e9',
      '-1',
      '9223372036854775808',
      'x'.repeat(600),
      '%',
      '%F0%9F%92%A9',
    ];
    const paths = operations
      .filter(({ method }) => method === 'GET')
      .flatMap((operation) => [
        ...['', '&', '=', '%', '__proto__=1', 'constructor[prototype]=1', 'unknown=1', '%00=%00'].map(
          (query) => ({ operation, query }),
        ),
        ...operation.query.flatMap((name) =>
          values.map((value) => ({ operation, query: `${name}=${value.replace('NAME', name)}` })),
        ),
      ])
      .map(({ operation, query }) => `${fill(operation.path)}?${query}`);
    await forAll(paths, async (path) =>
      expectHonest(`GET ${path}`, await send({ method: 'GET', path }, bearer(keys.admin))),
    );
  });

  test('an unknown route answers with a problem, by any method', async () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY']) {
      for (const path of [
        '/v1/keys/1/2',
        '/v1/%00',
        '/v2/products',
        '/v1/session/..',
        '/%2e%2e/package.json',
        '//evil.example',
      ]) {
        const answer = await send({ method, path }, bearer(keys.admin));
        expect(answer.status, `${method} ${path}`).toBeGreaterThanOrEqual(400);
        if (method !== 'HEAD') expectHonest(`${method} ${path}`, answer);
      }
    }
  });
});

const targetCount = 3_500;

/** Existing objects, new ones for every request, since a used one says nothing about the next. */
async function createTargets() {
  const { rows: parked } = await weir.database.query(
    `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
     SELECT 'STREAM', 'USER_ID_INVALID', 'odd', 'SECKILL', 'stream:seckill:1', number || '-0', ''
     FROM generate_series(1, $1::int) AS number RETURNING id::text`,
    [targetCount],
  );
  const { rows: instances } = await weir.database.query(
    `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id)
     SELECT 1001, 7, 1000 + number, 'ODD', 'TARGET' || number FROM generate_series(1, $1::int) AS number
     RETURNING instance_id::text AS id`,
    [targetCount],
  );
  await weir.database.query(
    `INSERT INTO products (id, name, cpus, memory_mb, image)
     SELECT 5000 + number, 'odd', 1, 1, 'x' FROM generate_series(1, $1::int) AS number`,
    [targetCount],
  );
  let used = 0;
  return {
    /** The fields that must be new so that nothing of the kind exists yet. */
    names: (path: string) =>
      path === '/v1/sales' ? { productId: String(5000 + (++used % targetCount)) } : {},
    fill(path: string) {
      used++;
      if (path.startsWith('/v1/parked/')) return fill(path, parked[used % targetCount].id);
      if (path.startsWith('/v1/instances/')) return fill(path, instances[used % targetCount].id);
      return fill(path, path.startsWith('/v1/orders/') ? '123' : '1001');
    },
  };
}

/** A body with all fields of the schema; odd values are put into it one by one. */
function likelyBody({ method, path }: Operation): Record<string, unknown> {
  const operation = document.paths[path][method.toLowerCase()];
  const schema = operation.requestBody?.content['application/json'].schema;
  // What it would do is tested elsewhere: here it must find nothing to do.
  if (path === '/v1/parked/jobs') return { action: 'discard', filter: { reason: 'ODD' }, note: 'a test' };
  const names = Object.keys(schema?.properties ?? { orderId: 0, productId: 0, userId: 0, refunded: 0 });
  const usual: Record<string, unknown> = {
    id: '1001', productId: '1001', userId: '7', firstUserId: '7', instanceId: '7', orderId: '999999', source: 'ACTIVITY', sourceId: 'ODD1',
    name: 'odd', cpus: 1, memoryMb: 1, gpu: 0, image: 'x', priceCents: '1', enabled: true, stock: 1, perUserLimit: 1,
    startsAt: '2026-01-01T00:00:00Z', endsAt: '2099-01-01T00:00:00Z', expiresAt: '2099-01-01T00:00:00Z',
    timestamp: '2026-01-01T00:00:00Z', action: 'pause', addStock: 1, status: 'SUCCESS', reason: 'a test', ids: ['999999'],
    stream: 'stream:seckill:1', count: 1, since: '2026-01-01T00:00:00Z', scope: 'read', key: 'no key', refunded: true,
    entry: 'open', admitPerSecond: 1, unit: 1,
  }; // biome-ignore format: a dictionary
  return Object.fromEntries(names.map((name) => [name, usual[name] ?? 'x']));
}
