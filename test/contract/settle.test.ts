import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { postgresInstanceQueries } from '../../src/adapters/postgres/instance-queries.ts';
import { postgresOrders } from '../../src/adapters/postgres/orders.ts';
import { postgresRefunds } from '../../src/adapters/postgres/refund-requests.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import { timedOut } from '../../src/core/results/result.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createActor } from '../support/actors.ts';
import {
  createAll,
  createPaidOrder,
  createProduct,
  createPurchase,
  failure,
  readWaiting,
  success,
} from '../support/parts.ts';
import { requestRefundOf } from '../support/request-refund.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';
import { EventSchema } from '../wire/weir/v1/event_pb.ts';
import { OrderRefundRequestedSchema } from '../wire/weir/v1/order_refund_pb.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };
const stream = 'stream:seckill:1001';

async function readRow(database: Database, instanceId: InstanceId) {
  const [row] = await database.query<{ status: string; reason: string | null }>(
    'SELECT status, reason FROM instance_logs WHERE instance_id = $1',
    [instanceId.toString()],
  );
  return row;
}

function readCompensations(database: Database) {
  return database.query<{ kind: string; source_id: string; status: string; instance_id: string }>(
    'SELECT kind, source_id, status, instance_id::text FROM compensations ORDER BY id',
  );
}

function readHistory(database: Database) {
  return database.query<{ what: string; detail: string }>(
    'SELECT what, detail FROM instance_history ORDER BY id',
  );
}

/** As Weir settles an instance after its last deadline. */
const giveUp = (instanceId: InstanceId) => ({
  instanceId,
  status: 'FAILED' as const,
  reason: timedOut,
  answeredAt: undefined,
});

describe.each(Object.keys(databases))('results on %s', (name) => {
  async function setUp() {
    const database = await databases[name as keyof typeof databases]();
    await createProduct(database);
    return database;
  }

  test('an instance becomes what its result says, and a repeat changes nothing', async () => {
    const database = await setUp();
    const [built, failed] = await createAll(database, [createPurchase({}), createPurchase({})]);
    const results = [success(built as InstanceId), failure(failed as InstanceId)];
    expect(await settleResults(database, results)).toEqual(['applied', 'applied']);
    const before = await database.query('SELECT * FROM instance_logs ORDER BY id');
    expect(await settleResults(database, results)).toEqual(['repeat', 'repeat']);
    expect(await database.query('SELECT * FROM instance_logs ORDER BY id')).toEqual(before);
    expect(await readRow(database, built as InstanceId)).toEqual({ status: 'SUCCESS', reason: null });
    expect(await readRow(database, failed as InstanceId)).toEqual({
      status: 'FAILED',
      reason: 'no capacity',
    });
    expect(await readHistory(database)).toEqual([]);
  });

  test('an instance dated decades ahead is settled like any other', async () => {
    const database = await setUp();
    const [ahead] = await createAll(database, [createPurchase({})]);
    await database.query("UPDATE instance_logs SET created_at = '2099-01-01T00:00:00Z'");
    expect(await settleResults(database, [success(ahead as InstanceId)])).toEqual(['applied']);
  });

  test('the first of two results in a batch is applied, the second judged against it', async () => {
    const database = await setUp();
    const [id] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    expect(await settleResults(database, [success(id), success(id), failure(id, 'too hot')])).toEqual([
      'applied',
      'repeat',
      'contradicts',
    ]);
    expect(await readRow(database, id)).toEqual({ status: 'SUCCESS', reason: null });
    expect(await readCompensations(database)).toEqual([]);
  });

  test('a contradicting result is recorded once, shown, and changes nothing', async () => {
    const database = await setUp();
    const [id] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    await settleResults(database, [success(id)]);
    for (let i = 0; i < 3; i++) {
      expect(await settleResults(database, [failure(id, 'burnt down')])).toEqual(['contradicts']);
    }
    expect(await readRow(database, id)).toEqual({ status: 'SUCCESS', reason: null });
    expect(await readHistory(database)).toEqual([{ what: 'RESULT_CONFLICT', detail: 'FAILED: burnt down' }]);
    const instance = await postgresInstanceQueries(database).findInstance(id);
    const timeline = await postgresInstanceQueries(database).readTimeline(
      instance as NonNullable<typeof instance>,
    );
    expect(timeline.map(({ step }) => step)).toContain('RESULT_CONFLICT');
  });

  test('a success after a timeout is recorded, not applied, and requests a release once', async () => {
    const database = await setUp();
    const [id] = (await createAll(database, [createPurchase({ userId: 123n })])) as [InstanceId];
    await settleResults(database, [giveUp(id)]);
    for (let i = 0; i < 3; i++) expect(await settleResults(database, [success(id)])).toEqual(['late']);
    expect(await readRow(database, id)).toEqual({ status: 'FAILED', reason: timedOut });
    expect((await readHistory(database)).map(({ what }) => what)).toEqual([
      'RESULT_LATE',
      'RELEASE_REQUESTED',
    ]);
    const releases = (await readWaiting(database)).filter(({ kind }) => kind === 'RELEASE');
    expect(releases).toHaveLength(1);
    expect(releases[0]).toMatchObject({ id: `release-${id}`, type: 'INSTANCE_RELEASE_REQUESTED' });
    const event = fromBinary(EventSchema, releases[0]?.body as Buffer);
    expect(event).toMatchObject({
      eventType: 'INSTANCE_RELEASE_REQUESTED',
      instanceId: id,
      userId: '00000000-0000-8000-8000-00000000007b',
    });
  });

  test('a result of an instance that is not here is unknown and leaves no trace', async () => {
    const database = await setUp();
    expect(await settleResults(database, [success(5n as InstanceId)])).toEqual(['unknown']);
    expect(await readHistory(database)).toEqual([]);
  });

  test('a failed instance requests its refund once, and its order follows', async () => {
    const database = await setUp();
    const orders = postgresOrders(database);
    const purchases = [await createPaidOrder(database, 'ORD1'), await createPaidOrder(database, 'ORD2')];
    const [failed, built] = (await createAll(database, purchases)) as [InstanceId, InstanceId];
    for (let i = 0; i < 3; i++) await settleResults(database, [failure(failed), success(built)]);
    expect((await orders.findOrder('ORD1'))?.status).toBe('REFUND_REQUESTED');
    expect((await orders.findOrder('ORD2'))?.status).toBe('COMPLETED');
    expect(await readCompensations(database)).toEqual([
      { kind: 'REFUND', source_id: 'ORD1', status: 'REQUESTED', instance_id: failed.toString() },
    ]);
    const refunds = (await readWaiting(database)).filter(({ kind }) => kind === 'REFUND');
    expect(refunds.map(({ id, type }) => ({ id, type }))).toEqual([
      { id: `refund-${failed}`, type: 'ORDER_REFUND_REQUESTED' },
    ]);
    expect(fromBinary(OrderRefundRequestedSchema, refunds[0]?.body as Buffer)).toMatchObject({
      eventType: 'ORDER_REFUND_REQUESTED',
      orderId: 'ORD1',
      instanceId: failed,
      productId: 1001n,
      userId: '00000000-0000-8000-8000-000000000007',
      amountCents: 19900n,
      reason: 'no capacity',
    });
  });

  test('a refund that was made is recorded once, and only one that was asked for', async () => {
    const database = await setUp();
    const [id] = (await createAll(database, [await createPaidOrder(database, 'ORD1')])) as [InstanceId];
    expect(await postgresRefunds(database).recordRefund('ORD1')).toBeUndefined();
    await settleResults(database, [failure(id)]);
    const first = await postgresRefunds(database).recordRefund('ORD1');
    expect(first).toMatchObject({ first: true, refund: { orderId: 'ORD1', amountCents: 19900n } });
    expect(await postgresRefunds(database).recordRefund('ORD1')).toEqual({
      first: false,
      refund: first?.refund,
    });
    expect((await postgresOrders(database).findOrder('ORD1'))?.status).toBe('REFUNDED');
  });

  test('the order of another shop is refunded as well, without an amount', async () => {
    const database = await setUp();
    const foreign = createPurchase({ source: 'ORDER', sourceId: '外部订单-1' });
    const [id] = (await createAll(database, [foreign])) as [InstanceId];
    await settleResults(database, [failure(id)]);
    const [refund] = (await readWaiting(database)).filter(({ kind }) => kind === 'REFUND');
    expect(fromBinary(OrderRefundRequestedSchema, refund?.body as Buffer)).toMatchObject({
      orderId: '外部订单-1',
      amountCents: 0n,
    });
  });

  test('a failed instance of a sale is owed its unit, of any other source nothing', async () => {
    const database = await setUp();
    const ids = await createAll(database, [
      createPurchase({ source: 'SECKILL', scope: stream, sourceId: '1-0' }),
      createPurchase({ source: 'ACTIVITY', sourceId: 'ACT-x' }),
    ]);
    await settleResults(
      database,
      ids.map((id) => failure(id)),
    );
    expect((await readCompensations(database)).map(({ kind, status }) => ({ kind, status }))).toEqual([
      { kind: 'NOTHING', status: 'DONE' },
      { kind: 'RESTOCK', status: 'REQUESTED' },
    ]);
  });

  test('a payment after cancel or expiry requests one refund with its own message id', async () => {
    const database = await setUp();
    const orders = postgresOrders(database);
    await createPaidOrder(database, 'ORD1');
    await orders.cancelOrder('ORD1', createActor());
    const order = await orders.findOrder('ORD1');
    if (!order) throw new Error('the order is gone');
    await requestRefundOf(database, order, 42n);
    await requestRefundOf(database, order, 43n);
    expect((await orders.findOrder('ORD1'))?.status).toBe('REFUND_REQUESTED');
    expect((await readWaiting(database)).map(({ id }) => id)).toEqual(['refund-42']);
    expect(await readCompensations(database)).toMatchObject([{ kind: 'REFUND', instance_id: null }]);
  });

  test('an order that is not paid expires, and is not payable any more', async () => {
    const database = await setUp();
    const orders = postgresOrders(database);
    const purchase = await createPaidOrder(database, 'ORD1');
    await createPaidOrder(database, 'ORD2');
    await database.query("UPDATE orders SET expires_at = now() - interval '1 second' WHERE id = 'ORD1'");
    expect(await orders.expireOrders(10)).toBe(1);
    expect(await orders.expireOrders(10)).toBe(0);
    expect((await orders.findOrder('ORD1'))?.status).toBe('EXPIRED');
    expect((await orders.findOrder('ORD2'))?.status).toBe('PENDING');
    await expect(createAll(database, [purchase])).rejects.toThrow('refused');
  });

  test('the schema itself refuses illegal moves', async () => {
    const database = await setUp();
    const [id] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    await settleResults(database, [success(id)]);
    await expect(database.query("UPDATE instance_logs SET status = 'FAILED'")).rejects.toThrow(
      /is SUCCESS, which FAILED may not follow/,
    );
    await createPaidOrder(database, 'ORD1');
    const move = (status: string) =>
      database.query(`UPDATE orders SET status = '${status}', paid_at = now() WHERE id = 'ORD1'`);
    for (const status of ['COMPLETED', 'REFUND_REQUESTED', 'REFUNDED']) {
      await expect(move(status)).rejects.toThrow(/may not follow/);
    }
    await move('PAID');
    for (const status of ['PENDING', 'CANCELLED', 'EXPIRED', 'REFUNDED']) {
      await expect(move(status)).rejects.toThrow(/may not follow/);
    }
    await move('REFUND_REQUESTED');
    await move('REFUNDED');
    await expect(move('PAID')).rejects.toThrow(/may not follow/);
  });
});

test('replicas that settle the same results compensate once and do not deadlock', async () => {
  const database = await openTestPostgres();
  await createProduct(database);
  const purchases = [];
  for (let i = 0; i < 60; i++) purchases.push(await createPaidOrder(database, `ORD${i}`));
  const ids = await createAll(database, purchases);
  const results = ids.map((id) => failure(id));
  const orders = [results, [...results].reverse(), results.slice(20).concat(results.slice(0, 20))];
  const settled = await Promise.all(orders.map((batch) => settleResults(database, batch)));
  const applied = settled.flat().filter((kind) => kind === 'applied');
  expect(applied).toHaveLength(60);
  expect(settled.flat().filter((kind) => kind === 'repeat')).toHaveLength(120);
  expect(await readCompensations(database)).toHaveLength(60);
  const refunds = (await readWaiting(database)).filter(({ kind }) => kind === 'REFUND');
  expect(new Set(refunds.map(({ id }) => id)).size).toBe(60);
  expect(refunds).toHaveLength(60);
});
