import { connect } from 'amqplib';
import { describe, expect, test } from 'vitest';
import { encodeResult } from '../../src/core/results/result.ts';
import { success } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { drainQueue, queuesBeside, rabbitmqUrl } from '../support/stores.ts';
import { type HttpAnswer, runWeir } from '../support/weir.ts';
import { shareWeir } from './share-weir.ts';

const weir = shareWeir({ WEIR_AUDIT_EVERYMS: '1000' });
let count = 0;

async function createProduct(): Promise<string> {
  const id = `${70_000 + ++count}`;
  const product = { id, name: 'GPU', cpus: 4, memoryMb: 1024, image: 'ubuntu', priceCents: '500' };
  expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
  return id;
}

async function createInstance(): Promise<string> {
  const productId = await createProduct();
  const purchase = { source: 'ACTIVITY', sourceId: `LIFE${count}`, productId, userId: '7' };
  const { status, body } = await weir.request('POST', '/v1/instances', purchase);
  expect(status).toBe(201);
  return body.instanceId;
}

async function createPaidOrder(): Promise<{ orderId: string; instanceId: string }> {
  const productId = await createProduct();
  const order = await weir.request('POST', '/v1/orders', { productId, userId: '7' });
  const paid = await weir.request('POST', `/v1/orders/${order.body.id}/paid`);
  return { orderId: order.body.id, instanceId: paid.body.instanceId };
}

const answer = (id: string, body: object) => weir.request('POST', `/v1/instances/${id}/result`, body);

function expectProblem({ status, body }: HttpAnswer, expected: number, code: string): void {
  expect({ status, code: body.code }).toEqual({ status: expected, code });
  expect(body.advice).toMatch(/\.$/);
}

const steps = async (id: string): Promise<string[]> =>
  (await weir.request('GET', `/v1/instances/${id}`)).body.timeline.map(({ step }: { step: string }) => step);

const cli = (...args: string[]) => runWeir([...args, '--url', weir.url]);

describe('a result over HTTP', () => {
  test('a result is settled with 201, and a repeat answers 200 with the same body', async () => {
    const id = await createInstance();
    const first = await answer(id, { status: 'SUCCESS', timestamp: '2026-11-24T07:00:00Z' });
    expect(first).toMatchObject({ status: 201, body: { instanceId: id, status: 'SUCCESS' } });
    expect(await answer(id, { status: 'SUCCESS' })).toMatchObject({ status: 200, body: first.body });
    expect(await steps(id)).toEqual(expect.arrayContaining(['ASKED', 'CREATED', 'ANSWERED', 'SETTLED']));
  });

  test('a result that contradicts is refused, recorded, and changes nothing', async () => {
    const id = await createInstance();
    await answer(id, { status: 'FAILED', reason: 'no capacity' });
    expectProblem(await answer(id, { status: 'SUCCESS' }), 409, 'RESULT_CONFLICT');
    const { body } = await weir.request('GET', `/v1/instances/${id}`);
    expect(body).toMatchObject({ status: 'FAILED', reason: 'no capacity' });
    expect(await steps(id)).toEqual(expect.arrayContaining(['RESULT_CONFLICT', 'RELEASE_REQUESTED']));
    const releases = await drainQueue(queuesBeside(weir.queue).WEIR_DATA_RABBITMQ_RELEASEQUEUE as string, 1);
    expect(releases.map(({ id }) => id)).toContain(`release-${id}`);
  });

  test.each([
    ['no status', {}],
    ['another status', { status: 'BUILT' }],
    ['a timestamp that is none', { status: 'SUCCESS', timestamp: 'yesterday' }],
    ['a timestamp before 1970', { status: 'SUCCESS', timestamp: '1960-01-01T00:00:00Z' }],
    ['an unknown field', { status: 'SUCCESS', more: 1 }],
    ['a reason too long', { status: 'FAILED', reason: 'x'.repeat(501) }],
  ])('a result with %s is malformed', async (_, body) => {
    const id = await createInstance();
    expect((await answer(id, body)).status).toBe(400);
    expect((await weir.request('GET', `/v1/instances/${id}`)).body.status).toBe('PROCESSING');
  });

  test.each(['1', '0', 'abc', '9223372036854775808'])(
    'a result for instance %s, which does not exist, answers 404',
    async (id) => {
      expectProblem(await answer(id, { status: 'SUCCESS' }), 404, 'INSTANCE_NOT_FOUND');
      expectProblem(await weir.request('POST', `/v1/instances/${id}/retry`), 404, 'INSTANCE_NOT_FOUND');
    },
  );
});

describe('the life of an order', () => {
  test('the life of an order ends COMPLETED with its instance', async () => {
    const { orderId, instanceId } = await createPaidOrder();
    await answer(instanceId, { status: 'SUCCESS' });
    expect((await weir.request('GET', `/v1/orders/${orderId}`)).body.status).toBe('COMPLETED');
    expect(await steps(instanceId)).toEqual(expect.arrayContaining(['ASKED', 'PAID', 'CREATED', 'SETTLED']));
  });

  test('the order of a failed instance goes by REFUND_REQUESTED to REFUNDED, once each', async () => {
    const { orderId, instanceId } = await createPaidOrder();
    expectProblem(await weir.request('POST', `/v1/orders/${orderId}/refunded`), 409, 'ORDER_NOT_REFUNDABLE');
    await answer(instanceId, { status: 'FAILED', reason: 'no capacity' });
    expect((await weir.request('GET', `/v1/orders/${orderId}`)).body.status).toBe('REFUND_REQUESTED');
    const first = await weir.request('POST', `/v1/orders/${orderId}/refunded`);
    expect(first).toMatchObject({
      status: 201,
      body: { orderId, amountCents: '500', reason: 'no capacity', refundedAt: expect.any(String) },
    });
    const again = await weir.request('POST', `/v1/orders/${orderId}/refunded`);
    expect(again).toMatchObject({ status: 200, body: first.body });
    expect((await weir.request('GET', `/v1/orders/${orderId}`)).body.status).toBe('REFUNDED');
    expect(await steps(instanceId)).toEqual(expect.arrayContaining(['REFUND_REQUESTED', 'REFUNDED']));
    expectProblem(await weir.request('POST', '/v1/orders/nothing/refunded'), 404, 'ORDER_NOT_FOUND');
  });

  test('the payment of an expired order is refunded once, by either way', async () => {
    const productId = await createProduct();
    const { body: order } = await weir.request('POST', '/v1/orders', { productId, userId: '7' });
    expect(Date.parse(order.expiresAt) - Date.parse(order.createdAt)).toBe(86_400_000);
    await weir.database.query('UPDATE orders SET expires_at = now() WHERE id = $1', [order.id]);
    await pollUntil('the order to expire', 10_000, async () =>
      expect((await weir.request('GET', `/v1/orders/${order.id}`)).body.status).toBe('EXPIRED'),
    );
    expect(await weir.request('POST', `/v1/orders/${order.id}/paid`)).toMatchObject({
      status: 200,
      body: { outcome: 'refund requested' },
    });
    const purchase = { source: 'ORDER', sourceId: order.id, productId, userId: '7' };
    expectProblem(await weir.request('POST', '/v1/instances', purchase), 409, 'ORDER_NOT_PAYABLE');
    const { rows } = await weir.database.query('SELECT reason FROM compensations WHERE source_id = $1', [
      order.id,
    ]);
    expect(rows).toEqual([{ reason: 'ORDER_EXPIRED' }]);
  });
});

test('a late payment is owed back although its product is gone by then', async () => {
  const productId = await createProduct();
  const { body: order } = await weir.request('POST', '/v1/orders', { productId, userId: '7' });
  await weir.request('POST', `/v1/orders/${order.id}/cancel`);
  await weir.database.query('UPDATE products SET enabled = FALSE WHERE id = $1', [productId]);
  expect(await weir.request('POST', `/v1/orders/${order.id}/paid`)).toMatchObject({
    status: 200,
    body: { outcome: 'refund requested' },
  });
  expect((await weir.request('GET', `/v1/orders/${order.id}`)).body.status).toBe('REFUND_REQUESTED');
});

describe('an operator', () => {
  test('an operator republishes an instance and reads its history in the terminal', async () => {
    const id = await createInstance();
    await weir.waitForMessage(id);
    expect(await cli('instances', 'retry', id)).toMatchObject({ code: 0 });
    await pollUntil('the second publication', 10_000, async () =>
      expect(weir.heard.filter(({ properties }) => properties.messageId === id)).toHaveLength(2),
    );
    const bodies = weir.heard
      .filter(({ properties }) => properties.messageId === id)
      .map(({ content }) => content);
    expect(bodies[0]?.equals(bodies[1] as Buffer)).toBe(true);
    const { stdout } = await cli('instances', 'show', id);
    for (const step of ['ASKED', 'CREATED', 'REPUBLISHED']) expect(stdout).toContain(step);
    await answer(id, { status: 'SUCCESS' });
    expect(await cli('instances', 'retry', id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is SUCCESS'),
    });
    expectProblem(await weir.request('POST', `/v1/instances/${id}/retry`), 409, 'INSTANCE_SETTLED');
  });

  test('an operator requests a release and a refund again, with the same bytes', async () => {
    const { orderId, instanceId } = await createPaidOrder();
    const again = {
      release: `/v1/instances/${instanceId}/release`,
      refund: `/v1/orders/${orderId}/refund-again`,
    };
    expectProblem(await weir.request('POST', again.release), 409, 'INSTANCE_NOT_RELEASABLE');
    expectProblem(await weir.request('POST', again.refund), 409, 'ORDER_NOT_REFUNDABLE');
    expectProblem(await weir.request('POST', '/v1/orders/ORD404/refund-again'), 404, 'ORDER_NOT_FOUND');
    expectProblem(await weir.request('POST', '/v1/instances/404/release'), 404, 'INSTANCE_NOT_FOUND');
    await answer(instanceId, { status: 'FAILED', reason: 'no capacity' });
    await pollUntil('the first refund request to be published', 10_000, async () => {
      await cli('orders', 'refund-again', orderId);
      expect(await steps(instanceId)).toContain('REFUND_REQUESTED_AGAIN');
    });
    for (let times = 0; times < 2; times++) {
      expect(await cli('instances', 'release', instanceId)).toMatchObject({
        code: 0,
        stdout: `Requested the release of instance ${instanceId}\n`,
      });
    }
    expect(await weir.request('POST', again.refund)).toMatchObject({ status: 200, body: { orderId } });
    const { WEIR_DATA_RABBITMQ_REFUNDQUEUE: refunds } = queuesBeside(weir.queue);
    const bodies = (await drainQueue(refunds as string, 2))
      .filter(({ id }) => id === `refund-${instanceId}`)
      .map(({ body }) => body.toString('hex'));
    expect(bodies.length).toBeGreaterThan(1);
    expect(new Set(bodies).size).toBe(1);
    await cli('orders', 'refunded', orderId);
    expectProblem(await weir.request('POST', again.refund), 409, 'ORDER_NOT_REFUNDABLE');
  });

  test('an operator replays and discards parked entries, one or many', async () => {
    const productId = `${80_000 + ++count}`;
    const stream = `stream:seckill:${productId}`;
    for (const uid of ['1', '2', 'abc']) await weir.redis.xadd(stream, '*', 'uid', uid);
    const listed = await pollUntil('three to be parked', 15_000, async () => {
      const { body } = await weir.request('GET', `/v1/parked?scope=${stream}`);
      expect(body.items).toHaveLength(3);
      return body.items as { id: string; reason: string }[];
    });
    const malformed = listed.find(({ reason }) => reason === 'USER_ID_INVALID');
    const shown = await weir.request('GET', `/v1/parked/${malformed?.id}`);
    expect(shown.body).toMatchObject({ originalText: '["uid","abc"]', state: 'PARKED' });
    expect(JSON.parse(Buffer.from(shown.body.original, 'base64').toString())).toEqual(['uid', 'abc']);

    const tooEarly = await cli('parked', 'replay', '--all', '--scope', stream);
    expect(tooEarly.code).toBe(1);
    expect(tooEarly.stdout).toContain('PRODUCT_NOT_FOUND');
    const product = { id: productId, name: 'GPU', cpus: 4, memoryMb: 1024, image: 'ubuntu' };
    await weir.request('POST', '/v1/products', product);
    const replayed = await cli(
      'parked',
      'replay',
      '--all',
      '--scope',
      stream,
      '--reason',
      'PRODUCT_NOT_FOUND',
    );
    expect(replayed).toMatchObject({ code: 0 });
    const discarded = await cli('parked', 'discard', `${malformed?.id}`, '--because', 'a test entry');
    expect(discarded).toMatchObject({ code: 0 });
    expect(discarded.stdout).toContain('a test entry');
    expectProblem(await weir.request('POST', `/v1/parked/${malformed?.id}/replay`), 409, 'PARKED_RESOLVED');
    const all = (await weir.request('GET', `/v1/parked?scope=${stream}&state=ALL`)).body.items;
    expect(all.map(({ state }: { state: string }) => state).sort()).toEqual([
      'DISCARDED',
      'REPLAYED',
      'REPLAYED',
    ]);
    const instance = (await weir.request('GET', `/v1/instances?productId=${productId}&userId=1`)).body
      .items[0];
    expect(await steps(instance.instanceId)).toEqual(
      expect.arrayContaining(['PARKED', 'REPLAYED', 'CREATED']),
    );
    expectProblem(await weir.request('POST', '/v1/parked/999999/replay'), 404, 'PARKED_NOT_FOUND');
  });

  test('an operator finds results without an instance parked, and replays them by id', async () => {
    const connection = await connect(rabbitmqUrl);
    const channel = await connection.createConfirmChannel();
    const queue = queuesBeside(weir.queue).WEIR_DATA_RABBITMQ_RESULTQUEUE as string;
    channel.sendToQueue(queue, encodeResult(success(17n as never)));
    channel.sendToQueue(queue, Buffer.from('rubbish'));
    await channel.waitForConfirms();
    await connection.close();
    const items = await pollUntil('both to be parked', 15_000, async () => {
      const { body } = await weir.request('GET', '/v1/parked?origin=RESULT');
      expect(body.items).toHaveLength(2);
      return body.items as { id: string; reason: string }[];
    });
    expect(items.map(({ reason }) => reason).sort()).toEqual(['RESULT_INVALID', 'RESULT_NOT_FOUND']);
    const ids = items.map(({ id }) => id);
    const { body } = await weir.request('POST', '/v1/parked/replay', { ids: [...ids, '999999'] });
    expect(body.items.map(({ state }: { state: string }) => state)).toEqual(['PARKED', 'PARKED', null]);
    const reason = 'nobody knows them';
    expect((await weir.request('POST', '/v1/parked/discard', { ids, reason })).body.items).toHaveLength(2);
    expect((await weir.request('GET', '/v1/parked?origin=RESULT')).body.items).toEqual([]);
  });

  test.each([
    ['GET', '/v1/parked?state=GONE', undefined],
    ['GET', '/v1/audit?full=perhaps', undefined],
    ['POST', '/v1/parked/1/discard', {}],
    ['POST', '/v1/parked/1/discard', { reason: '  ' }],
    ['POST', '/v1/parked/replay', { ids: [] }],
    ['POST', '/v1/parked/replay', { ids: ['x'] }],
    ['POST', '/v1/parked/discard', { ids: ['1'] }],
  ])('the request %s %s %o is refused with 400', async (method, path, body) => {
    expectProblem400(await weir.request(method, path, body));
  });

  test('an operator acknowledges a deleted stream, and the audit holds again', async () => {
    const productId = await createProduct();
    const stream = `stream:seckill:${productId}`;
    const entries = async () => {
      const { body } = await weir.request('GET', '/v1/audit');
      return body.sums.find(({ name }: { name: string }) => name === 'entries');
    };
    await weir.redis.xadd(stream, '*', 'uid', '7');
    await pollUntil('the entry to become an instance', 15_000, async () =>
      expect((await weir.request('GET', `/v1/instances?productId=${productId}`)).body.items).toHaveLength(1),
    );
    expect(await entries()).toMatchObject({ difference: 0, exceptions: [] });
    await weir.redis.del(stream);
    expect((await entries()).exceptions).toMatchObject([{ id: stream }]);
    const accepted = await cli('audit', '--accept', stream);
    expect(accepted.stdout).not.toContain(`entries: ${stream}`);
    expect(await entries()).toMatchObject({ difference: 0, exceptions: [] });
    expect((await cli('audit', '--accept', 'stream:seckill:none')).code).toBe(4);
  });

  test('audit exits with 0 while every sum holds, else with 5 and advice', async () => {
    await createInstance();
    await pollUntil('every sum to hold', 15_000, async () => expect((await cli('audit')).code).toBe(0));
    const { stdout } = await cli('audit', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, sums: expect.any(Array) });
    const id = await createInstance();
    await weir.database.query("UPDATE instance_logs SET status = 'FAILED' WHERE instance_id = $1", [id]);
    const broken = await cli('audit', '--full');
    expect(broken.code).toBe(5);
    expect(broken.stdout).toContain(`nothing owed: ${id}`);
    expect(broken.stdout).toContain('→');
    await pollUntil('the next periodic audit to find it as well', 15_000, async () => {
      const metrics = await (await fetch(`${weir.url}/metrics`)).text();
      expect(metrics).toContain('weir_audit_difference{sum="nothing owed"} -1');
    });
  });
});

function expectProblem400({ status, body }: HttpAnswer): void {
  expect({ status, code: body.code }).toEqual({ status: 400, code: 'REQUEST_INVALID' });
}
