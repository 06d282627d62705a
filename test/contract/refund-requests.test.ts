import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { postgresOrders } from '../../src/adapters/postgres/orders.ts';
import { postgresRefunds, repeatRefundRequests } from '../../src/adapters/postgres/refund-requests.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createActor } from '../support/actors.ts';
import { createAll, createPaidOrder, createProduct, failure, readWaiting } from '../support/parts.ts';
import { requestRefundOf } from '../support/request-refund.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';
import { OrderRefundRequestedSchema } from '../wire/weir/v1/order_refund_pb.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

/** The waiting messages in the outbox, which the relay then publishes. */
async function publishAll(database: Database) {
  const messages = await readWaiting(database);
  await database.query('DELETE FROM outbox');
  return messages.map(({ id, kind, body }) => ({ id, kind, body: body.toString('hex') }));
}

const makeDue = (database: Database) =>
  database.query('UPDATE compensations SET next_request_at = now() WHERE next_request_at IS NOT NULL');

async function readWait(database: Database): Promise<number> {
  const [row] = await database.query<{ minutes: number }>(
    'SELECT extract(epoch FROM next_request_at - now())::float8 / 60 AS minutes FROM compensations',
  );
  return Math.round(row?.minutes ?? 0);
}

describe.each(Object.keys(databases))('a refund request on %s', (name) => {
  async function setUp() {
    const database = await databases[name as keyof typeof databases]();
    await createProduct(database);
    const [id] = (await createAll(database, [await createPaidOrder(database, 'ORD1')])) as [InstanceId];
    await database.query('DELETE FROM outbox');
    await settleResults(database, [failure(id)]);
    return { database, id };
  }

  test('a refund request repeats with its id and bytes, in growing waits, until reported', async () => {
    const { database, id } = await setUp();
    const first = await publishAll(database);
    expect(first.map((message) => message.id)).toEqual([`refund-${id}`]);
    expect(await repeatRefundRequests(database)).toBe(0);
    const waits = [await readWait(database)];
    for (let request = 2; request <= 10; request++) {
      await makeDue(database);
      expect(await repeatRefundRequests(database)).toBe(1);
      expect(await publishAll(database)).toEqual(first);
      waits.push(await readWait(database));
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]);
    await postgresRefunds(database).recordRefund('ORD1');
    await makeDue(database);
    expect(await repeatRefundRequests(database)).toBe(0);
    expect(await postgresRefunds(database).requestRefundAgain('ORD1', createActor('anna'))).toBeUndefined();
    expect(await publishAll(database)).toEqual([]);
    expect(await database.query('SELECT DISTINCT what, detail, actor FROM instance_history')).toEqual([
      { what: 'REFUND_REQUESTED_AGAIN', detail: 'REFUND_NOT_REPORTED', actor: 'weir' },
    ]);
  });

  test('a refund request is not repeated while the previous one waits or is parked', async () => {
    const { database, id } = await setUp();
    await makeDue(database);
    expect(await repeatRefundRequests(database)).toBe(0);
    expect(await postgresRefunds(database).requestRefundAgain('ORD1', createActor('anna'))).toMatchObject({
      orderId: 'ORD1',
    });
    expect(await publishAll(database)).toHaveLength(1);
    await database.query(
      `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
       VALUES ('OUTBOX', 'MESSAGE_REFUSED', 'x', '', '', $1, '')`,
      [`refund-${id}`],
    );
    await makeDue(database);
    expect(await repeatRefundRequests(database)).toBe(0);
    await database.query("UPDATE parked SET state = 'REPLAYED', resolved_at = now()");
    await makeDue(database);
    expect(await repeatRefundRequests(database)).toBe(1);
  });

  test('a refund request is sent again at once when an operator asks for it', async () => {
    const { database } = await setUp();
    const first = await publishAll(database);
    for (let times = 0; times < 2; times++) {
      expect(await postgresRefunds(database).requestRefundAgain('ORD1', createActor('anna'))).toMatchObject({
        orderId: 'ORD1',
        amountCents: 19900n,
        refundedAt: undefined,
      });
      expect(await publishAll(database)).toEqual(first);
    }
    expect(await postgresRefunds(database).requestRefundAgain('ORD2', createActor('anna'))).toBeUndefined();
    expect(await database.query("SELECT actor FROM instance_history WHERE what LIKE 'REFUND%'")).toEqual(
      Array(2).fill({ actor: 'anna' }),
    );
  });

  test('a refund request of a late payment is repeated with the id that it had', async () => {
    const { database } = await setUp();
    await database.query('DELETE FROM outbox');
    await createPaidOrder(database, 'ORD3');
    const orders = postgresOrders(database);
    await orders.cancelOrder('ORD3', createActor());
    const order = await orders.findOrder('ORD3');
    if (!order) throw new Error('the order is gone');
    await requestRefundOf(database, order, 42n);
    const first = await publishAll(database);
    expect(first.map(({ id }) => id)).toEqual(['refund-42']);
    expect(await postgresRefunds(database).requestRefundAgain('ORD3', createActor('anna'))).toMatchObject({
      orderId: 'ORD3',
    });
    expect(await publishAll(database)).toEqual(first);
  });

  test('a refund request older than its stored bytes is created again', async () => {
    const { database, id } = await setUp();
    await publishAll(database);
    await database.query('UPDATE compensations SET message_id = NULL, request = NULL');
    await makeDue(database);
    expect(await repeatRefundRequests(database)).toBe(1);
    const [again] = await publishAll(database);
    expect(again?.id).toBe(`refund-${id}`);
    expect(fromBinary(OrderRefundRequestedSchema, Buffer.from(again?.body ?? '', 'hex'))).toMatchObject({
      orderId: 'ORD1',
      instanceId: id,
      amountCents: 19900n,
      reason: 'no capacity',
    });
    expect(await postgresRefunds(database).requestRefundAgain('ORD1', createActor('anna'))).toMatchObject({
      orderId: 'ORD1',
    });
    expect(await publishAll(database)).toEqual([again]);
  });
});

test('a refund request that several replicas find due is sent once', async () => {
  const database = await openTestPostgres();
  await createProduct(database);
  const purchases = [];
  for (let i = 0; i < 20; i++) purchases.push(await createPaidOrder(database, `ORD${i}`));
  const ids = await createAll(database, purchases);
  await settleResults(
    database,
    ids.map((id) => failure(id)),
  );
  await publishAll(database);
  await makeDue(database);
  await Promise.all([1, 2, 3].map(() => repeatRefundRequests(database)));
  expect(await publishAll(database)).toHaveLength(20);
});
