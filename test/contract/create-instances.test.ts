import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { postgresOrders } from '../../src/adapters/postgres/orders.ts';
import type { Outcome } from '../../src/core/instance/create-instances.ts';
import type { Purchase, SourceId } from '../../src/core/instance/purchase.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createCreation, createProduct, createPurchase } from '../support/parts.ts';
import { readOutbox } from '../support/read-outbox.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';
import { EventSchema } from '../wire/weir/v1/event_pb.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.entries(databases))('createInstances on %s', (_, open) => {
  async function setUp() {
    const database = await open();
    await createProduct(database);
    const { createInstances } = createCreation(database);
    return { database, createInstances };
  }

  test('one purchase makes one row and one event with the same id', async () => {
    const { database, createInstances } = await setUp();
    const purchase = createPurchase({});
    const [outcome] = await createInstances([purchase]);
    expect(outcome).toMatchObject({ kind: 'created', instance: { ...purchase, status: 'PROCESSING' } });
    expect(await readRows(database)).toEqual([{ instance_id: idOf(outcome), source_id: purchase.sourceId }]);
    const [message, ...others] = await readOutbox(database);
    expect(others).toEqual([]);
    expect(message?.id).toBe(idOf(outcome));
    expect(fromBinary(EventSchema, message?.body as Buffer).instanceId.toString()).toBe(idOf(outcome));
  });

  test('outcomes come in the order of the purchases', async () => {
    const { createInstances } = await setUp();
    const purchases = ['c', 'a', 'b'].map((sourceId) => createPurchase({ sourceId }));
    const outcomes = await createInstances(purchases);
    expect(outcomes.map((outcome) => outcome.kind === 'created' && outcome.instance.sourceId)).toEqual([
      'c',
      'a',
      'b',
    ]);
  });

  test('a repeat answers with the first instance and publishes nothing', async () => {
    const { database, createInstances } = await setUp();
    const purchase = createPurchase({});
    const [first] = await createInstances([purchase]);
    const [second] = await createInstances([purchase]);
    expect(second?.kind).toBe('duplicate');
    expect(idOf(second)).toBe(idOf(first));
    expect(await readOutbox(database)).toHaveLength(1);
  });

  test('a repeat among new purchases publishes the new ones only', async () => {
    const { database, createInstances } = await setUp();
    const [old, ...fresh] = Array.from({ length: 5 }, () => createPurchase({})) as [Purchase, ...Purchase[]];
    const first = await createInstances([old]);
    const rest = await createInstances([...fresh.slice(0, 2), old, ...fresh.slice(2)]);
    expect(rest.map(({ kind }) => kind)).toEqual(['created', 'created', 'duplicate', 'created', 'created']);
    const published = (await readOutbox(database)).map(({ id }) => id).sort();
    const rows = (await readRows(database)).map(({ instance_id }) => instance_id).sort();
    expect(published).toEqual(rows);
    expect(rows).toHaveLength(5);
    expect(rows).toContain(idOf(first[0]));
  });

  test('the same purchase twice in one batch makes one instance', async () => {
    const { database, createInstances } = await setUp();
    const purchase = createPurchase({});
    const outcomes = await createInstances([purchase, purchase]);
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['created', 'duplicate']);
    expect(new Set(outcomes.map(idOf)).size).toBe(1);
    expect(await readOutbox(database)).toHaveLength(1);
  });

  test('a repeat fails one batch, and the next ones expect others for a while', async () => {
    const { database } = await setUp();
    const sent: string[] = [];
    const query: Database['query'] = (statement, values) => {
      const name = typeof statement === 'string' ? undefined : statement.name;
      if (name?.startsWith('weir-insert')) sent.push(name);
      return database.query(statement, values);
    };
    const { createInstances } = createCreation({ ...database, query });
    const old = createPurchase({});
    const create = async (...purchases: Purchase[]) => {
      const first = sent.length;
      const outcomes = await createInstances(purchases);
      expect(outcomes.map(({ kind }) => kind).filter((kind) => kind === 'created')).toHaveLength(
        purchases.filter((purchase) => purchase !== old).length,
      );
      return sent.slice(first);
    };
    const [plain, expecting] = ['weir-insert', 'weir-insert-known'];
    await createInstances([old]);
    expect(await create(old, createPurchase({}))).toEqual([plain, expecting]);
    expect(await create(old, createPurchase({}))).toEqual([expecting]);
    for (let i = 0; i < 16; i++) expect(await create(createPurchase({}))).toEqual([expecting]);
    expect(await create(createPurchase({}))).toEqual([plain]);
  });

  test('a repeat with another user or product is a conflict and changes nothing', async () => {
    const { database, createInstances } = await setUp();
    await createProduct(database, 1002n);
    const purchase = createPurchase({ userId: 5n });
    const [first] = await createInstances([purchase]);
    const outcomes = await createInstances([
      { ...purchase, userId: 6n as never },
      { ...purchase, productId: 1002n as never },
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['conflict', 'conflict']);
    expect(outcomes.map(idOf)).toEqual([idOf(first), idOf(first)]);
    expect(await readRows(database)).toHaveLength(1);
    expect(await readOutbox(database)).toHaveLength(1);
  });

  test('the same entry id on two streams is two purchases', async () => {
    const { database, createInstances } = await setUp();
    await createProduct(database, 1002n);
    const outcomes = await createInstances([
      createPurchase({ source: 'SECKILL', scope: 'stream:seckill:1001', sourceId: '1-0' }),
      createPurchase({ source: 'SECKILL', scope: 'stream:seckill:1002', sourceId: '1-0', productId: 1002n }),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['created', 'created']);
  });

  test('a changed product is in force for the next commit', async () => {
    const { database, createInstances } = await setUp();
    await createInstances([createPurchase({})]);
    await database.query('UPDATE products SET cpus = 64 WHERE id = 1001');
    expect((await createInstances([createPurchase({})])).map(({ kind }) => kind)).toEqual(['created']);
    const [, second] = await readOutbox(database);
    expect(fromBinary(EventSchema, second?.body as Buffer).spec?.cpus).toBe(64);
  });

  test('unknown and disabled products are refused, their neighbours are not', async () => {
    const { database, createInstances } = await setUp();
    await createProduct(database, 1002n);
    await createInstances([createPurchase({ productId: 1002n })]);
    await database.query('UPDATE products SET enabled = false WHERE id = 1002');
    const outcomes = await createInstances([
      createPurchase({ productId: 7n }),
      createPurchase({}),
      createPurchase({ productId: 1002n }),
    ]);
    expect(outcomes.map(codeOf)).toEqual(['PRODUCT_NOT_FOUND', 'created', 'PRODUCT_DISABLED']);
  });

  test('a repeat gets its first answer even when the product has gone since', async () => {
    const { database, createInstances } = await setUp();
    const purchase = createPurchase({});
    const [first] = await createInstances([purchase]);
    await database.query('DELETE FROM products');
    const [second] = await createInstances([purchase]);
    expect(second?.kind).toBe('duplicate');
    expect(idOf(second)).toBe(idOf(first));
  });

  test('a row that the database refuses is refused alone', async () => {
    const { database, createInstances } = await setUp();
    const spoiled = createPurchase({ sourceId: 'x'.repeat(65) });
    const outcomes = await createInstances([createPurchase({}), spoiled, createPurchase({})]);
    expect(outcomes.map(codeOf)).toEqual(['created', 'INTERNAL', 'created']);
    expect(await readOutbox(database)).toHaveLength(2);
  });

  test('a pending order is paid in the commit of its instance', async () => {
    const { database, createInstances } = await setUp();
    const { order, purchase, orders } = await createPendingOrder(database);
    expect((await createInstances([purchase])).map(({ kind }) => kind)).toEqual(['created']);
    const paid = await orders.findOrder(order);
    expect(paid?.status).toBe('PAID');
    const [row] = await database.query<{ same: boolean }>(
      'SELECT paid_at = instance_logs.created_at AS same FROM orders, instance_logs',
    );
    expect(row?.same).toBe(true);
  });

  test('two callbacks of one order in one batch make one instance', async () => {
    const { database, createInstances } = await setUp();
    const { purchase } = await createPendingOrder(database);
    const outcomes = await createInstances([purchase, purchase]);
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['created', 'duplicate']);
  });

  test.each([
    [
      'a cancelled order',
      async (database: Database) => void (await database.query("UPDATE orders SET status = 'CANCELLED'")),
    ],
    [
      'an order of another user',
      async (database: Database) => void (await database.query('UPDATE orders SET user_id = 99')),
    ],
  ])('%s makes no instance and stays as it is', async (_name, change) => {
    const { database, createInstances } = await setUp();
    const { purchase, orders, order } = await createPendingOrder(database);
    await change(database);
    const before = await orders.findOrder(order);
    expect((await createInstances([purchase, createPurchase({})])).map(codeOf)).toEqual([
      'ORDER_NOT_PAYABLE',
      'created',
    ]);
    expect(await orders.findOrder(order)).toEqual(before);
    expect(await readOutbox(database)).toHaveLength(1);
  });

  test('an order whose product is disabled stays pending', async () => {
    const { database, createInstances } = await setUp();
    const { purchase, orders, order } = await createPendingOrder(database);
    await database.query('UPDATE products SET enabled = false');
    expect((await createInstances([purchase])).map(codeOf)).toEqual(['PRODUCT_DISABLED']);
    expect((await orders.findOrder(order))?.status).toBe('PENDING');
  });

  test('a commit whose answer was lost is answered as created', async () => {
    const { database } = await setUp();
    let lost = 0;
    const forgetful: Database = {
      ...database,
      async query(statement, values) {
        const rows = await database.query<never>(statement, values);
        if (typeof statement === 'object' && statement.name === 'weir-insert' && lost++ === 0) {
          throw new Error('Connection terminated unexpectedly');
        }
        return rows;
      },
    };
    const outcomes = await createCreation(forgetful).createInstances([
      createPurchase({}),
      createPurchase({}),
    ]);
    expect(lost).toBe(1);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['created', 'created']);
    expect(await readOutbox(database)).toHaveLength(2);
  });

  test('batches that race for the same purchases make one instance of each', async () => {
    const { database, createInstances } = await setUp();
    const rival = createCreation(database);
    const purchases = Array.from({ length: 200 }, () => createPurchase({}));
    const rounds = await Promise.all([
      createInstances(purchases),
      rival.createInstances([...purchases].reverse()),
      createInstances(purchases.slice(50, 150)),
      rival.createInstances(purchases.slice(100)),
    ]);
    const created = rounds.flat().filter(({ kind }) => kind === 'created');
    expect(created).toHaveLength(200);
    expect(rounds.flat().every(({ kind }) => kind === 'created' || kind === 'duplicate')).toBe(true);
    expect((await readOutbox(database)).map(({ id }) => id).sort()).toEqual(created.map(idOf).sort());
  });
});

async function createPendingOrder(database: Database) {
  const orders = postgresOrders(database);
  const purchase = createPurchase({ source: 'ORDER' });
  await orders.createOrder({
    id: purchase.sourceId as SourceId,
    productId: purchase.productId,
    userId: purchase.userId,
    amountCents: 19900n,
    idempotencyKey: undefined,
  });
  return { orders, purchase, order: purchase.sourceId };
}

async function readRows(database: Database): Promise<{ instance_id: string; source_id: string }[]> {
  return database.query('SELECT instance_id::text, source_id FROM instance_logs ORDER BY id');
}

function idOf(outcome: Outcome | undefined): string | undefined {
  return outcome && outcome.kind !== 'refused' ? outcome.instance.instanceId.toString() : undefined;
}

function codeOf(outcome: Outcome): string {
  return outcome.kind === 'refused' ? outcome.error.code : outcome.kind;
}
