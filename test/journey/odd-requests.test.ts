import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectHonest, fill, forAll, json, nameOf, type Operation, RoutedWeir } from './routed-weir.ts';

const routed = new RoutedWeir();

describe('every route', () => {
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
        routed.operations
          .filter(({ hasBody }) => hasBody)
          .map(async (operation) => {
            const path = fill(operation.path, '999999');
            const headers = { ...routed.asAdmin, ...json };
            expectHonest(
              `${nameOf(operation)} with ${title}`,
              await routed.send({ ...operation, path }, headers, body),
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
    for (const operation of routed.operations.filter(({ hasBody }) => hasBody)) {
      const path = targets.fill(operation.path);
      const body = JSON.stringify({ ...likelyBody(operation), ...targets.names(operation.path) });
      const { text } = await routed.send({ ...operation, path }, { ...routed.asAdmin, ...json }, body);
      expect(text, nameOf(operation)).not.toContain('REQUEST_INVALID');
    }
    const requests = routed.operations
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
      const answer = await routed.send(
        { ...operation, path },
        { ...routed.asAdmin, ...json },
        JSON.stringify(body),
      );
      expectHonest(`${operation.method} ${path} with ${JSON.stringify(body).slice(0, 400)}`, answer);
    });
    for (const path of ['/v1/sales', '/v1/instances', '/v1/keys', '/v1/orders/123', '/v1/products']) {
      expect((await routed.send({ method: 'GET', path }, routed.asAdmin)).status, path).toBe(200);
    }
  });

  test('every route rejects arbitrary JSON as an error of the sender, or accepts it', async () => {
    const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: 'binary', maxLength: 40 }));
    const requests = routed.operations
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
      const answer = await routed.send(
        { ...operation, path },
        { ...routed.asAdmin, ...json },
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
    const requests = routed.operations
      .filter(({ path }) => path.includes('{'))
      .flatMap((operation) =>
        oddParameters.map((parameter) => ({ operation, path: fill(operation.path, parameter) })),
      );
    await forAll(requests, async ({ operation, path }) => {
      const body = operation.hasBody ? '{}' : undefined;
      const answer = await routed.send({ ...operation, path }, { ...routed.asAdmin, ...json }, body);
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
    const paths = routed.operations
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
      expectHonest(`GET ${path}`, await routed.send({ method: 'GET', path }, routed.asAdmin)),
    );
  });
});

const targetCount = 3_500;

/** Existing objects, new ones for every request, since a used one says nothing about the next. */
async function createTargets() {
  const { rows: parked } = await routed.weir.database.query(
    `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
     SELECT 'STREAM', 'USER_ID_INVALID', 'odd', 'SECKILL', 'stream:seckill:1', number || '-0', ''
     FROM generate_series(1, $1::int) AS number RETURNING id::text`,
    [targetCount],
  );
  const { rows: instances } = await routed.weir.database.query(
    `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id)
     SELECT 1001, 7, 1000 + number, 'ODD', 'TARGET' || number FROM generate_series(1, $1::int) AS number
     RETURNING instance_id::text AS id`,
    [targetCount],
  );
  await routed.weir.database.query(
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
  const operation = routed.document.paths[path][method.toLowerCase()];
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
