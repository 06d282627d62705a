import { describe, expect, test } from 'vitest';
import { postgresOrderQueries } from '../../src/adapters/postgres/order-queries.ts';
import type { OrderFilter } from '../../src/core/orders/order-filter.ts';
import type { Database } from '../../src/lib/sql.ts';
import { countRowsRead, explain } from '../support/explain.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const rows = 4_000;

/**
 * Nearly all orders are paid and of product 1; the oldest are of product 9, of user 7 or pending. No
 * statistics at first.
 */
async function openFilled(open: () => Promise<Database>): Promise<Database> {
  const database = await open();
  await database.query('ALTER TABLE orders SET (autovacuum_enabled = off)');
  await database.query(
    `INSERT INTO orders (id, product_id, user_id, status, amount_cents, created_at, paid_at)
     SELECT 'ORD' || n, CASE WHEN n <= 10 THEN 9 ELSE 1 END, CASE WHEN n BETWEEN 11 AND 20 THEN 7 ELSE 1000 + n % 1000 END,
       CASE WHEN n BETWEEN 21 AND 30 THEN 'PENDING' ELSE 'PAID' END, 100, now() - (${rows} - n) * interval '1 second',
       now() FROM generate_series(1, ${rows}) AS n`,
  );
  await database.query(
    `INSERT INTO payments (order_id, payment_key, payment_id, outcome)
     SELECT 'ORD' || n, 'p:PAY' || n, 'PAY' || n, 'INSTANCE' FROM generate_series(1, ${rows}) AS n`,
  );
  // Of the newest a few are open; of the oldest one, for a further payment.
  await database.query(
    `INSERT INTO compensations (kind, source, source_id, scope, product_id, user_id, reason, status, outcome, done_at)
     SELECT 'REFUND', 'ORDER', 'ORD' || n, CASE n WHEN 1 THEN 'p:PAY' ELSE '' END, 1, 1, 'a test',
       CASE WHEN is_open THEN 'REQUESTED' ELSE 'DONE' END, CASE WHEN NOT is_open THEN 'REFUNDED' END,
       CASE WHEN NOT is_open THEN now() END
     FROM (SELECT n, n = 1 OR n > ${rows - 60} AS is_open FROM generate_series(1, ${rows}) AS n) AS numbers`,
  );
  return database;
}

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

const filters: Record<string, OrderFilter> = {
  'no filter': {},
  'the status of nearly all orders': { status: 'PAID' },
  'a status of old orders': { status: 'PENDING' },
  'a status without orders': { status: 'REFUNDED' },
  'the product of nearly all orders': { productId: '1' },
  'a product of old orders': { productId: '9' },
  'a product without orders': { productId: '404' },
  'the busiest product in a rare status': { productId: '1', status: 'PENDING' },
  'a user of old orders': { userId: '7' },
  'a user and a status without orders': { userId: '7', status: 'REFUNDED' },
  'a user and the busiest product': { userId: '7', productId: '1' },
  'a user without orders': { userId: '5' },
  'the payment of an old order': { paymentId: 'PAY5' },
  'a payment in another status': { paymentId: 'PAY5', status: 'PENDING' },
  'a payment that is unknown': { paymentId: 'NONE' },
  'a time long ago': { to: daysAgo(0.04) },
  'a time without orders': { from: daysAgo(9), to: daysAgo(8) },
  'the busiest status long ago': { status: 'PAID', to: daysAgo(0.04) },
  'everything at once': {
    ...{ status: 'PAID', productId: '1', userId: '1005', paymentId: 'PAY2005' },
    from: daysAgo(1),
  },
};

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.entries(databases))('the plans of orders and refunds on %s', (_, open) => {
  test('every filter of orders reads little more than its page, however many there are', async () => {
    const database = await openFilled(open);
    for (const statistics of ['without', 'with']) {
      if (statistics === 'with') await database.query('ANALYZE orders, payments');
      for (const [name, filter] of Object.entries(filters)) {
        for (const cursor of statistics === 'with' ? [undefined, `ORD${rows / 2}`] : [undefined]) {
          const plan = await explain(database, 'orders', (on) =>
            postgresOrderQueries(on).listOrders(filter, 50, cursor),
          );
          expect(countRowsRead(plan), `${name}, ${statistics} statistics:\n${plan}`).toBeLessThanOrEqual(400);
        }
      }
    }
  });

  test('open refunds are read without the reported ones, however many there are', async () => {
    const database = await openFilled(open);
    for (const statistics of ['without', 'with']) {
      if (statistics === 'with') await database.query('ANALYZE compensations');
      for (const orderId of [undefined, 'ORD1', 'ORD500', 'NONE']) {
        const plan = await explain(database, '(SELECT *, source_id', (on) =>
          postgresOrderQueries(on).listOpenRefunds(orderId, 50, undefined),
        );
        const most = orderId === undefined ? 50 : 2;
        expect(countRowsRead(plan), `${orderId}, ${statistics}:\n${plan}`).toBeLessThanOrEqual(most);
      }
    }
  });
});
