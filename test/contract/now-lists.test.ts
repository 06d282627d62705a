import { describe, expect, test } from 'vitest';
import { listInstances } from '../../src/adapters/postgres/list-instances.ts';
import { listOrders } from '../../src/adapters/postgres/list-orders.ts';
import { postgresNow } from '../../src/adapters/postgres/now.ts';
import { recordRefund } from '../../src/adapters/postgres/refunds.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import { createAll, createPaidOrder, createProduct, createPurchase, failure } from '../support/parts.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.entries(databases))('the counts of now and their lists on %s', (_, open) => {
  test('overdue counts the instances without a result, on both sides of the cursor', async () => {
    const database = await open();
    await createProduct(database);
    const ids = await createAll(
      database,
      [1, 2, 3, 4].map(() => createPurchase({})),
    );
    const [settled, below, above, fresh] = ids.map(String);
    await settleResults(database, [failure(ids[0] as never)]);
    for (const id of [settled, below, above]) {
      await database.query('INSERT INTO overdue (instance_id) VALUES ($1)', [id]);
    }
    await database.query('UPDATE overdue_cursor SET id = 2');
    await database.query("UPDATE instance_logs SET created_at = now() - interval '1 hour' WHERE id = 2");
    const counted = await postgresNow(database).countOpen();
    expect(counted).toMatchObject({ count: 3, overdue: { count: 2 } });
    expect(Date.now() - Number(counted.overdue.oldestAt)).toBeGreaterThan(3_000_000);
    const { items } = await listInstances(database, { overdue: true }, 10, undefined);
    expect(items.map(({ instanceId }) => String(instanceId))).toEqual([above, below]);
    expect(fresh).toBeDefined();
  });

  test('refunds counts each order that owes one, its own or of a further payment', async () => {
    const database = await open();
    await createProduct(database);
    const find = async () => {
      const { items } = await listOrders(database, { openRefund: true }, 10, undefined);
      const { count, oldestAt } = await postgresNow(database).countRefunds();
      expect({ count, hasTime: oldestAt !== null }).toEqual({
        count: items.length,
        hasTime: items.length > 0,
      });
      return items.map(({ id }) => id).sort();
    };
    expect(await find()).toEqual([]);
    const failed = await createPaidOrder(database, 'OWN');
    await createPaidOrder(database, 'FURTHER');
    await createPaidOrder(database, 'NOTHING');
    // An order of another system: its refund is requested, and no list of orders has it.
    const ids = await createAll(database, [
      failed,
      createPurchase({ source: 'ORDER', sourceId: 'ELSEWHERE' }),
    ]);
    await settleResults(
      database,
      ids.map((id) => failure(id)),
    );
    for (const scope of ['p:1', 'p:2']) {
      await database.query(
        `INSERT INTO compensations (kind, source, source_id, scope, product_id, user_id, reason, payment_id)
         VALUES ('REFUND', 'ORDER', 'FURTHER', $1, 1001, 7, 'FURTHER_PAYMENT', $1)`,
        [scope],
      );
    }
    expect(await find()).toEqual(['FURTHER', 'OWN']);
    await recordRefund(database, 'FURTHER', 'p:1');
    await recordRefund(database, 'OWN');
    expect(await find()).toEqual(['FURTHER']);
    await recordRefund(database, 'FURTHER', 'p:2');
    expect(await find()).toEqual([]);
  });
});
