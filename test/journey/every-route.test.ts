import { readFileSync } from 'node:fs';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, test } from 'vitest';
import { createOperatorKey, createSessionId } from '../../src/ops/access/operator-key.ts';
import { reaches, type Scope, scopes } from '../../src/ops/access/scope.ts';
import {
  bearer,
  expectHonest,
  expectRefused,
  fill,
  forAll,
  json,
  nameOf,
  RoutedWeir,
} from './routed-weir.ts';

const routed = new RoutedWeir();
const guarded = () => routed.operations.filter(({ scope }) => scope !== 'open' && scope !== 'signed');

describe('the description', () => {
  test('the API description is OpenAPI 3.1 in which a strict linter finds nothing', async () => {
    expect(routed.document.openapi).toBe('3.1.0');
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
    expect(await lint(routed.document)).toEqual([]);
    const { operationId: _, ...anonymous } = routed.document.paths['/v1/keys'].get;
    const broken = {
      ...routed.document,
      paths: { ...routed.document.paths, '/v1/keys': { get: anonymous } },
    };
    expect(await lint(broken)).toEqual([expect.stringContaining('operation-operationId')]);
  });

  test('the API description names each operation, its scope and its errors', () => {
    expect(routed.operations.length).toBeGreaterThan(35);
    const ids = new Set<string>();
    for (const [path, methods] of Object.entries(routed.document.paths as object)) {
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
    expect(ids.size).toBe(routed.operations.length - 1);
    const process = ['/metrics', '/healthz', '/readyz', '/openapi.json'];
    expect(routed.operations.map(({ path }) => path)).toEqual(expect.arrayContaining(process));
  });
});

test('every form that a request is held to says in words what it must be', () => {
  const wordless: string[] = [];
  const visit = (schema: unknown, where: string) => {
    if (typeof schema !== 'object' || schema === null) return;
    if (('pattern' in schema || 'format' in schema) && !('description' in schema)) wordless.push(where);
    for (const [name, inner] of Object.entries(schema)) visit(inner, `${where}/${name}`);
  };
  for (const [path, methods] of Object.entries(routed.document.paths as object)) {
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
  const registered = routed.operations
    .filter(({ path }) => path.startsWith('/v1/'))
    .map((each) => `${each.scope} ${nameOf(each)}`);
  expect(written.sort()).toEqual(registered.sort());
});

describe('every route', () => {
  test('every route is closed without a key, with a wrong key and with a wrong cookie', async () => {
    const name = `weir-${new URL(routed.weir.url).port}`;
    const wrong: Record<string, Record<string, string>> = {
      'no key': {},
      'a wrong key': bearer(createOperatorKey('admin')),
      'a revoked key': bearer(routed.keys.revoked),
      'a key as Basic': { authorization: `Basic ${routed.keys.admin}` },
      'a wrong cookie': { cookie: `${name}=${createSessionId()}`, 'sec-fetch-site': 'same-origin' },
      'an odd cookie': { cookie: `${name}=%E0%A4%A; __proto__=1; ${name}=` },
    };
    const all = guarded().flatMap((operation) =>
      Object.entries(wrong).map(([title, headers]) => ({ operation, title, headers })),
    );
    await forAll(all, async ({ operation, title, headers }) => {
      const body = operation.hasBody ? '{}' : undefined;
      const answer = await routed.send(
        { ...operation, path: fill(operation.path) },
        { ...headers, ...json },
        body,
      );
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
      const answer = await routed.send({ method: 'HEAD', path: fill(path) }, {});
      expect(answer.status, path).toBe(401);
    });
  });

  test('every route is closed to a smaller scope and open to one that reaches', async () => {
    for (const operation of guarded()) {
      for (const scope of scopes) {
        const path = fill(operation.path, '999999');
        const answer = await routed.send(
          { ...operation, path },
          { ...bearer(routed.keys[scope]), ...json },
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
    for (const operation of routed.operations.filter(({ path }) => path.startsWith('/v1/'))) {
      for (const site of ['cross-site', 'same-site']) {
        const headers = { ...routed.asAdmin, 'sec-fetch-site': site };
        const answer = await routed.send({ ...operation, path: fill(operation.path) }, headers);
        expectRefused(`${nameOf(operation)} from ${site}`, answer, 403, 'ORIGIN_NOT_ALLOWED');
      }
    }
  });

  test('every route that changes something refuses a page of another origin', async () => {
    const origin = { origin: 'https://evil.example' };
    for (const operation of routed.operations.filter(({ method }) => method !== 'GET')) {
      const path = fill(operation.path);
      const body = operation.hasBody ? '{}' : undefined;
      const answer = await routed.send(
        { ...operation, path },
        { ...routed.asAdmin, ...origin, ...json },
        body,
      );
      expectRefused(nameOf(operation), answer, 403, 'ORIGIN_NOT_ALLOWED');
    }
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
        const answer = await routed.send({ method, path }, routed.asAdmin);
        expect(answer.status, `${method} ${path}`).toBeGreaterThanOrEqual(400);
        if (method !== 'HEAD') expectHonest(`${method} ${path}`, answer);
      }
    }
  });
});
