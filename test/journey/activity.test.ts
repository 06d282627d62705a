import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import type { HttpAnswer } from '../support/weir.ts';
import { shareWeir } from './share-weir.ts';

const weir = shareWeir({
  WEIR_DEMO_ENABLED: 'true',
  WEIR_RESOURCE_SIMULATE: 'false',
  WEIR_SERVER_HTTP_REQUESTSPERMINUTE: '0',
  WEIR_SERVER_HTTP_LOGINSPERMINUTE: '0',
});

const keys: Record<string, string> = {};
const bearer = (name = 'ann') => ({ authorization: `Bearer ${keys[name]}` });
let count = 0;
/** A product that has a sale. */
let taken = '';
const nextId = () => `${7000 + ++count}`;

beforeAll(async () => {
  for (const name of ['ann', 'bob', 'shop']) {
    const scope = name === 'shop' ? 'act' : 'admin';
    const answer = await weir.request('POST', '/v1/keys', { name, scope }, keys.ann ? bearer() : {});
    expect(answer.status).toBe(201);
    keys[name] = answer.body.key;
  }
  taken = await openSale();
});

type Headers = Record<string, string>;
const send = (method: string, path: string, body?: unknown, headers: Headers = bearer()) =>
  weir.request(method, path, body, headers);

async function succeed(method: string, path: string, body?: unknown, headers?: Headers): Promise<HttpAnswer> {
  const answer = await send(method, path, body, headers);
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer;
}

interface ActivityItem {
  actor: string;
  keyId: string | null;
  via: string;
  action: string;
  subject: { kind: string; id: string };
  before: object | null;
  after: object | null;
  requestId: string | null;
}

async function listActivity(query = ''): Promise<ActivityItem[]> {
  return (await succeed('GET', `/v1/activity?limit=500${query}`)).body.items;
}

/** The records added meanwhile, newest first. */
async function watchActivity<T>(work: () => Promise<T>): Promise<{ answer: T; gained: ActivityItem[] }> {
  const before = await weir.count('activity');
  const answer = await work();
  const all = await listActivity();
  return { answer, gained: all.slice(0, (await weir.count('activity')) - before) };
}

async function createProduct(): Promise<string> {
  const id = nextId();
  await succeed('POST', '/v1/products', { id, name: 'GPU', cpus: 4, memoryMb: 16384, image: 'ubuntu' });
  return id;
}

async function openSale(): Promise<string> {
  const productId = await createProduct();
  await succeed('POST', '/v1/sales', { productId, stock: 5 });
  return productId;
}

async function createOrder(): Promise<string> {
  const productId = await createProduct();
  return (await succeed('POST', '/v1/orders', { productId, userId: '5' })).body.id;
}

/** Paid after it was cancelled: its refund is requested, and the request has been published. */
async function createRefundedOrder(): Promise<string> {
  const id = await createOrder();
  await succeed('POST', `/v1/orders/${id}/cancel`);
  await succeed('POST', `/v1/orders/${id}/paid`);
  await waitForOutbox();
  return id;
}

async function createInstance(): Promise<string> {
  const purchase = { source: 'ACTIVITY', sourceId: nextId(), productId: await createProduct(), userId: '5' };
  const { body } = await succeed('POST', '/v1/instances', purchase);
  await waitForOutbox();
  return body.instanceId;
}

function waitForOutbox(): Promise<void> {
  return pollUntil('the outbox to be empty', 15_000, async () => {
    if ((await weir.count('outbox')) > 0) throw new Error('batches wait');
  });
}

/** An entry that can be replayed; without `productId` one of a product that does not exist. */
async function parkEntry(productId = '99999999'): Promise<string> {
  const { rows } = await weir.database.query(
    `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
     VALUES ('STREAM', 'PRODUCT_NOT_FOUND', '', 'SECKILL', $1, $2, $3) RETURNING id`,
    [`stream:seckill:${productId}`, `${nextId()}-0`, Buffer.from('["uid","5","ts","1"]')],
  );
  return rows[0].id;
}

async function addRestockedUnit(): Promise<string> {
  const productId = await openSale();
  await weir.database.query(
    `INSERT INTO compensations (kind, source, source_id, scope, product_id, user_id, reason, status, outcome, done_at)
     VALUES ('RESTOCK', 'SECKILL', $1, $2, $3, 5, 'FAILED', 'DONE', 'RESTOCKED', now())`,
    [`${nextId()}-0`, `stream:seckill:${productId}`, productId],
  );
  return productId;
}

async function openSession(): Promise<Headers> {
  const { headers } = await succeed('POST', '/v1/session', { key: keys.ann }, {});
  return { cookie: (headers.get('set-cookie') ?? '').split(';')[0] ?? '', origin: weir.url };
}

interface Case {
  /** Sends the request that changes something. */
  change: () => Promise<{ send: () => Promise<HttpAnswer>; action: string; on: string; records?: number }>;
  /** Sends a request that changes nothing. */
  fail: () => Promise<HttpAnswer>;
  /** The same request again is a further change. */
  isEachTime?: boolean;
}

/** `id`: the subject's id when it is not the last part of the path. */
const at = (method: string, path: string, body: unknown, action: string, on: string, records = 1) => ({
  send: () => send(method, path, body),
  ...{ action, on, records },
});

const cases: Record<string, Case> = {
  'POST /v1/keys': {
    change: async () => {
      const made = { name: `key-${nextId()}`, scope: 'read' };
      return at('POST', '/v1/keys', made, 'KEY_CREATED', '');
    },
    fail: () => send('POST', '/v1/keys', { name: 'bob', scope: 'read' }),
  },
  'DELETE /v1/keys/{id}': {
    change: async () => {
      const { id } = (await succeed('POST', '/v1/keys', { name: `key-${nextId()}`, scope: 'read' })).body;
      return at('DELETE', `/v1/keys/${id}`, undefined, 'KEY_REVOKED', id);
    },
    fail: () => send('DELETE', '/v1/keys/999999'),
  },
  'POST /v1/session': {
    change: async () => {
      const headers = await openSession();
      const login = () => send('POST', '/v1/session', { key: keys.ann }, headers);
      return { send: login, action: 'SESSION_OPENED', on: 'ann' };
    },
    fail: () => send('POST', '/v1/session', { key: `${keys.ann}x` }, {}),
    isEachTime: true,
  },
  'DELETE /v1/session': {
    change: async () => {
      const headers = await openSession();
      const end = () => send('DELETE', '/v1/session', undefined, headers);
      return { send: end, action: 'SESSION_ENDED', on: 'ann' };
    },
    fail: () => send('DELETE', '/v1/session', undefined, {}),
  },
  'POST /v1/products': {
    change: async () => {
      const id = nextId();
      const product = { id, name: 'GPU', cpus: 4, memoryMb: 16384, image: 'ubuntu' };
      return at('POST', '/v1/products', product, 'PRODUCT_CREATED', id);
    },
    fail: () =>
      send('POST', '/v1/products', { id: taken, name: 'Other', cpus: 4, memoryMb: 16384, image: 'ubuntu' }),
  },
  'PATCH /v1/products/{id}': {
    change: async () => {
      const id = await createProduct();
      return at('PATCH', `/v1/products/${id}`, { enabled: false }, 'PRODUCT_DISABLED', id);
    },
    fail: () => send('PATCH', '/v1/products/99999999', { enabled: false }),
  },
  'POST /v1/sales': {
    change: async () => {
      const productId = await createProduct();
      return at('POST', '/v1/sales', { productId, stock: 5 }, 'SALE_OPENED', productId);
    },
    fail: () => send('POST', '/v1/sales', { productId: taken, stock: 6 }),
  },
  'PATCH /v1/sales/{productId}': {
    change: async () => {
      const id = await openSale();
      return at('PATCH', `/v1/sales/${id}`, { action: 'pause' }, 'SALE_PAUSED', id);
    },
    fail: () => send('PATCH', '/v1/sales/99999999', { action: 'pause' }),
  },
  'POST /v1/sales/{productId}/restock': {
    change: async () => {
      const id = await addRestockedUnit();
      return at('POST', `/v1/sales/${id}/restock`, {}, 'SALE_RESTOCKED', id);
    },
    fail: () => send('POST', '/v1/sales/99999999/restock', {}),
    isEachTime: true,
  },
  'POST /v1/orders/{orderId}/cancel': {
    change: async () => {
      const id = await createOrder();
      return at('POST', `/v1/orders/${id}/cancel`, undefined, 'ORDER_CANCELLED', id);
    },
    fail: () => send('POST', '/v1/orders/none/cancel'),
  },
  'POST /v1/orders/{orderId}/refunded': {
    change: async () => {
      const id = await createRefundedOrder();
      return at('POST', `/v1/orders/${id}/refunded`, { refunded: true }, 'ORDER_REFUNDED', id);
    },
    fail: () => send('POST', '/v1/orders/none/refunded', { refunded: true }),
  },
  'POST /v1/orders/{orderId}/mark-refunded': {
    change: async () => {
      const id = await createRefundedOrder();
      const body = { reason: 'seen at the payer' };
      return at('POST', `/v1/orders/${id}/mark-refunded`, body, 'ORDER_REFUNDED', id);
    },
    fail: () => send('POST', '/v1/orders/none/mark-refunded', { reason: 'a test' }),
  },
  'POST /v1/orders/{orderId}/refund-again': {
    change: async () => {
      const id = await createRefundedOrder();
      return at('POST', `/v1/orders/${id}/refund-again`, undefined, 'ORDER_REFUND_REQUESTED', id);
    },
    fail: () => send('POST', '/v1/orders/none/refund-again'),
    isEachTime: true,
  },
  'POST /v1/instances/{id}/result': {
    change: async () => {
      const id = await createInstance();
      return at('POST', `/v1/instances/${id}/result`, { status: 'SUCCESS' }, 'INSTANCE_SETTLED', id);
    },
    fail: () => send('POST', '/v1/instances/1/result', { status: 'SUCCESS' }),
  },
  'POST /v1/instances/{id}/retry': {
    change: async () => {
      const id = await createInstance();
      return at('POST', `/v1/instances/${id}/retry`, undefined, 'INSTANCE_REPUBLISHED', id);
    },
    fail: () => send('POST', '/v1/instances/1/retry'),
    isEachTime: true,
  },
  'POST /v1/instances/{id}/release': {
    change: async () => {
      const id = await createInstance();
      await succeed('POST', `/v1/instances/${id}/result`, { status: 'FAILED', reason: 'NO_GPU' });
      return at('POST', `/v1/instances/${id}/release`, undefined, 'INSTANCE_RELEASE_REQUESTED', id);
    },
    fail: () => send('POST', '/v1/instances/1/release'),
    isEachTime: true,
  },
  'POST /v1/parked/{id}/replay': {
    change: async () => {
      const id = await parkEntry(await createProduct());
      return at('POST', `/v1/parked/${id}/replay`, undefined, 'PARKED_REPLAYED', id);
    },
    fail: async () => send('POST', `/v1/parked/${await parkEntry()}/replay`),
  },
  'POST /v1/parked/{id}/discard': {
    change: async () => {
      const id = await parkEntry();
      return at('POST', `/v1/parked/${id}/discard`, { reason: 'a test' }, 'PARKED_DISCARDED', id);
    },
    fail: () => send('POST', '/v1/parked/999999/discard', { reason: 'a test' }),
  },
  'POST /v1/parked/replay': {
    change: async () => {
      const productId = await createProduct();
      const ids = [await parkEntry(productId), await parkEntry(productId)];
      return at('POST', '/v1/parked/replay', { ids }, 'PARKED_REPLAYED', ids[1] as string, 2);
    },
    fail: async () => send('POST', '/v1/parked/replay', { ids: [await parkEntry(), '999999'] }),
  },
  'POST /v1/parked/discard': {
    change: async () => {
      const ids = [await parkEntry(), await parkEntry()];
      const body = { ids, reason: 'a test' };
      return at('POST', '/v1/parked/discard', body, 'PARKED_DISCARDED', ids[1] as string, 2);
    },
    fail: () => send('POST', '/v1/parked/discard', { ids: ['999999'], reason: 'a test' }),
  },
  'POST /v1/parked/jobs': {
    change: async () => {
      const body = { action: 'replay', filter: { reason: 'QUEUE_FULL' } };
      return at('POST', '/v1/parked/jobs', body, 'PARKED_JOB_ENDED', '', 2);
    },
    fail: () => send('POST', '/v1/parked/jobs', { action: 'discard', filter: {} }),
    isEachTime: true,
  },
  'POST /v1/parked/jobs/{id}/abort': {
    change: async () => {
      const { rows } = await weir.database.query(
        `INSERT INTO parked_jobs (action, filter, last_item, actor, via, leased_until)
         VALUES ('replay', '{}', 0, 'ann', 'http', 'infinity') RETURNING id`,
      );
      return at('POST', `/v1/parked/jobs/${rows[0].id}/abort`, undefined, 'PARKED_JOB_ABORTED', rows[0].id);
    },
    fail: () => send('POST', '/v1/parked/jobs/999999/abort'),
  },
  'POST /v1/audit/accept': {
    change: async () => {
      const stream = `stream:seckill:${nextId()}`;
      await weir.database.query('INSERT INTO audit_streams (stream, added) VALUES ($1, 0)', [stream]);
      return at('POST', '/v1/audit/accept', { stream }, 'STREAM_ACCEPTED', stream);
    },
    fail: () => send('POST', '/v1/audit/accept', { stream: 'stream:seckill:none' }),
    isEachTime: true,
  },
};

/**
 * Routes of programs, whose purchases and payments are recorded as rows. Routes of the demo change nothing of
 * an operator's.
 */
const routesOfPrograms = [
  'POST /v1/instances',
  'POST /v1/orders',
  'POST /v1/orders/{orderId}/paid',
  'POST /v1/sales/{productId}/buy',
  'POST /v1/sales/{productId}/tickets',
  'POST /v1/try/failure',
  'POST /v1/try/seckill',
];

describe('the activity log over HTTP', () => {
  test('every route that changes something is tested below, or is a route of programs', async () => {
    const { paths } = (await succeed('GET', '/openapi.json')).body as {
      paths: Record<string, Record<string, { 'x-weir-activity'?: unknown }>>;
    };
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([method]) => !['get', 'head'].includes(method))
        .map(([method, { 'x-weir-activity': activity }]) => ({
          name: `${method.toUpperCase()} ${path}`,
          activity,
        })),
    );
    const [ofPrograms, ofOperators] = [true, false].map((isNone) =>
      routes.filter(({ activity }) => (activity === 'none') === isNone).map(({ name }) => name),
    );
    expect(ofPrograms?.sort()).toEqual(routesOfPrograms);
    expect(ofOperators?.sort()).toEqual(Object.keys(cases).sort());
  });

  test.for(Object.entries(cases))('%s leaves one record per changed item', async ([, route]) => {
    const { send, action, on, records = 1 } = await route.change();
    const { answer, gained } = await watchActivity(send);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    expect(gained).toHaveLength(records);
    const [record] = gained;
    const subject = { kind: expect.any(String), id: on || answer.body.id };
    expect(record).toMatchObject({ action, actor: 'ann', via: 'http', subject });
    expect(record?.keyId).toMatch(/^\d+$/);
    expect(record?.requestId).toBe(answer.headers.get('x-request-id') ?? record?.requestId);
    expect(record?.before ?? record?.after).not.toBeNull();
    if (route.isEachTime) return;
    expect((await watchActivity(send)).gained, 'by the same request again').toEqual([]);
  });

  test.for(Object.entries(cases))('%s leaves no record when it changes nothing', async ([, route]) => {
    expect((await watchActivity(route.fail)).gained).toEqual([]);
  });

  test('of two operators who change one item, the one who changed it is on record', async () => {
    const order = await createOrder();
    const parked = await parkEntry();
    const sale = await openSale();
    const race = (path: string, body?: unknown, method = 'POST') =>
      watchActivity(() => Promise.all(['ann', 'bob'].map((name) => send(method, path, body, bearer(name)))));
    for (const { answer, gained } of [
      await race(`/v1/orders/${order}/cancel`),
      await race(`/v1/parked/${parked}/discard`, { reason: 'twice' }),
      await race(`/v1/sales/${sale}`, { action: 'end' }, 'PATCH'),
    ]) {
      expect(answer.map(({ status }) => status)).toEqual([200, 200]);
      expect(gained).toHaveLength(1);
    }
    const { rows } = await weir.database.query('SELECT resolved_by FROM parked WHERE id = $1', [parked]);
    expect((await listActivity(`&subjectId=${parked}&subject=parked`))[0]?.actor).toBe(rows[0].resolved_by);
  });

  test('a program with a key of scope act settles an instance without a record', async () => {
    const id = await createInstance();
    const path = `/v1/instances/${id}/result`;
    const { answer, gained } = await watchActivity(() =>
      send('POST', path, { status: 'SUCCESS' }, bearer('shop')),
    );
    expect(answer.status).toBe(201);
    expect(gained).toEqual([]);
  });

  test('a report of a refund without a key is the payment system, and leaves no record', async () => {
    const id = await createRefundedOrder();
    const report = () => send('POST', `/v1/orders/${id}/refunded`, { refunded: true }, {});
    expect((await watchActivity(report)).gained).toEqual([]);
  });

  test('a timeline names the operators who stated a result and a refund', async () => {
    const productId = await createProduct();
    const { id: orderId } = (await succeed('POST', '/v1/orders', { productId, userId: '5' })).body;
    const { instanceId } = (await succeed('POST', `/v1/orders/${orderId}/paid`)).body;
    await succeed('POST', `/v1/instances/${instanceId}/result`, { status: 'FAILED' }, bearer('bob'));
    await succeed('POST', `/v1/orders/${orderId}/refunded`, { refunded: true });
    const { timeline } = (await succeed('GET', `/v1/instances/${instanceId}`)).body;
    const operator = (name: string) => ({ code: 'OPERATOR', params: { name } });
    const byOf = (wanted: string) => timeline.find(({ step }: { step: string }) => step === wanted)?.by;
    expect([byOf('ANSWERED'), byOf('REFUNDED')]).toEqual([operator('bob'), operator('ann')]);
  });

  test('the records of a change hold what it was before and after, and nothing else', async () => {
    const id = await openSale();
    await succeed('PATCH', `/v1/sales/${id}`, { action: 'pause', addStock: 3 });
    const [paused, opened] = await listActivity(`&subjectId=${id}&subject=sale`);
    expect(paused).toMatchObject({
      before: { stock: 5, isPaused: false },
      after: { stock: 8, isPaused: true },
    });
    expect(Object.keys(paused?.after ?? {}).sort()).toEqual(['isPaused', 'stock']);
    expect(opened).toMatchObject({ before: null, after: { stock: 5, perUserLimit: 1, entry: 'open' } });
  });

  test('no record holds a key, a hash of one, or the secret of a sale', async () => {
    const { rows } = await weir.database.query(
      `SELECT encode(hash, 'hex') AS secret FROM operator_keys
       UNION SELECT encode(hash, 'base64') FROM operator_keys UNION SELECT secret FROM sales`,
    );
    const text = JSON.stringify(await listActivity());
    expect(rows.length).toBeGreaterThan(6);
    for (const secret of [...Object.values(keys), ...rows.map((row) => row.secret)]) {
      expect(text).not.toContain(secret);
    }
  });

  test('pages of the log follow each other, newest first', async () => {
    for (let i = 0; i < 3; i++) await createProduct();
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const more: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await succeed('GET', `/v1/activity?action=PRODUCT_CREATED&limit=2${more}`);
      seen.push(...body.items.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual([...seen].sort((a, b) => Number(b) - Number(a)));
    expect(new Set(seen).size).toBe(await weir.count("activity WHERE action = 'PRODUCT_CREATED'"));
  });

  test.each([
    'action=SOMETHING',
    'subject=moon',
    'from=yesterday',
    'to=2026-02-30T00:00:00Z',
    'limit=0',
    'limit=501',
    'cursor=abc',
    'actor=',
    'actor=%00',
    'who=ann',
  ])('the filter %s is rejected with 400', async (query) => {
    const { status, body } = await send('GET', `/v1/activity?${query}`);
    expect({ status, code: body.code }).toEqual({ status: 400, code: 'REQUEST_INVALID' });
  });

  test('a filter that fits nothing returns an empty list', async () => {
    for (const query of [`actor=${randomUUID()}`, 'subjectId=%E2%80%AE', `cursor=${2n ** 63n - 1n}`]) {
      expect((await succeed('GET', `/v1/activity?${query}`)).body).toEqual({ items: [], nextCursor: null });
    }
  });
});
