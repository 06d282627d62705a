import { describe, expect, test } from 'vitest';
import { postgresInstanceLogs } from '../../src/adapters/postgres/instance-logs.ts';
import { postgresActivityQueries } from '../../src/adapters/postgres/list-activity.ts';
import { listInstances } from '../../src/adapters/postgres/list-instances.ts';
import { postgresNow } from '../../src/adapters/postgres/now.ts';
import { postgresOrderQueries } from '../../src/adapters/postgres/order-queries.ts';
import { postgresParkedQueries } from '../../src/adapters/postgres/parked-queries.ts';
import { postgresRefunds } from '../../src/adapters/postgres/refund-requests.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import type { SourceId } from '../../src/core/instance/purchase.ts';
import { createActor } from '../support/actors.ts';
import { createRescuer, letAnHourPass, publishAll } from '../support/overdue.ts';
import { createAll, createProduct, createPurchase, failure } from '../support/parts.ts';
import { createShop, readRefundRequests } from '../support/payments.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

type Shop = Awaited<ReturnType<typeof createShop>>;

const elsewhere = { productId: 1001n };

async function fail({ database }: Shop): Promise<void> {
  const instance = await postgresInstanceLogs(database).findInstance('ORD1' as SourceId);
  if (!instance) throw new Error('the order has no instance');
  await settleResults(database, [failure(instance.instanceId)]);
}

/** Every way in which the refund of ORD1 becomes open. */
const waysToOwe: Record<string, (shop: Shop) => Promise<unknown>> = {
  async 'paid after it was cancelled'(shop) {
    await shop.order('ORD1');
    await shop.orders.cancelOrder('ORD1', createActor());
    await shop.pay('ORD1');
  },
  async 'paid after it had expired'(shop) {
    await shop.order('ORD1');
    await shop.database.query("UPDATE orders SET expires_at = now() - interval '1 second'");
    expect(await shop.orders.expireOrders(10)).toBe(1);
    await shop.pay('ORD1', { paymentId: 'P1' });
  },
  async 'paid twice'(shop) {
    await shop.order('ORD1');
    for (const paymentId of ['P1', 'P2']) await shop.pay('ORD1', { paymentId });
  },
  async 'paid twice, kept elsewhere'(shop) {
    for (const paymentId of ['P1', 'P2']) await shop.pay('ORD1', { paymentId }, elsewhere);
  },
  async 'paid twice without a payment id'(shop) {
    await shop.order('ORD1');
    for (const webhookId of ['w1', 'w2']) await shop.pay('ORD1', { webhookId });
  },
  async 'another amount, replayed when cancelled'(shop) {
    await shop.order('ORD1');
    await shop.pay('ORD1', { paymentId: 'P1', amountCents: 1n });
    await shop.orders.cancelOrder('ORD1', createActor());
    const [item] = await postgresParkedQueries(shop.database).listParked({}, 10, undefined);
    await shop.desk.replay(item?.id ?? '', createActor());
  },
  async failed(shop) {
    await shop.order('ORD1');
    await shop.pay('ORD1', { paymentId: 'P1' });
    await fail(shop);
  },
  async 'failed, kept elsewhere'(shop) {
    await shop.pay('ORD1', {}, elsewhere);
    await fail(shop);
  },
  async 'failed, kept elsewhere, payment named'(shop) {
    await shop.pay('ORD1', { paymentId: 'P1', amountCents: 5n }, elsewhere);
    await fail(shop);
  },
  async 'timed out, kept elsewhere'(shop) {
    await shop.database.query('UPDATE overdue_cursor SET clear_since = now(), checked_at = now()');
    await shop.pay('ORD1', {}, elsewhere);
    await publishAll(shop.database);
    await letAnHourPass(shop.database);
    await createRescuer(shop.database, 1).rescue();
  },
};

describe.each(Object.entries(databases))('the counts of now and their lists on %s', (_, open) => {
  test('overdue and processing count what their lists show, around the cursor', async () => {
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
    const processing = await listInstances(database, { status: 'PROCESSING' }, 10, undefined);
    expect(processing.items.map(({ instanceId }) => String(instanceId))).toEqual([fresh, above, below]);
  });

  test('parked counts the items that its list shows, and none that was discarded', async () => {
    const shop = await createShop(await open());
    for (const orderId of ['ORD1', 'ORD2']) {
      await shop.order(orderId);
      await shop.pay(orderId, { paymentId: 'P1', amountCents: 1n });
    }
    const count = async () => (await postgresNow(shop.database).countParked()).count;
    const [newest, oldest] = await postgresParkedQueries(shop.database).listParked({}, 10, undefined);
    expect(await count()).toBe(2);
    await shop.desk.discard(newest?.id ?? '', createActor(), 'a test');
    expect(await postgresParkedQueries(shop.database).listParked({}, 10, undefined)).toEqual([oldest]);
    expect(await count()).toBe(1);
  });

  test.each(Object.entries(waysToOwe))('a refund is listed and closed once: %s', async (_way, owe) => {
    const database = await open();
    const shop = await createShop(database);
    const readOpen = async () => {
      const items = await postgresOrderQueries(database).listOpenRefunds(undefined, 10, undefined);
      const { count, oldestAt } = await postgresNow(database).countRefunds();
      expect({ count, oldestAt }).toEqual({
        count: items.length,
        oldestAt: items.at(-1)?.requestedAt ?? null,
      });
      return items;
    };
    expect(await readOpen()).toEqual([]);
    await owe(shop);
    const [refund, ...others] = await readOpen();
    if (!refund) throw new Error('no refund is open');
    expect(others).toEqual([]);
    const { orderId, paymentId } = refund;
    expect(orderId).toBe('ORD1');
    expect(refund.isOrderKnown).toBe((await shop.orders.findOrder('ORD1')) !== undefined);
    expect(await postgresOrderQueries(database).listOpenRefunds('ORD1', 10, undefined)).toEqual([refund]);
    expect(await postgresOrderQueries(database).listOpenRefunds('ORD2', 10, undefined)).toEqual([]);

    const actor = createActor('anna');
    await database.query('DELETE FROM outbox');
    expect(await postgresRefunds(database).requestRefundAgain(orderId, actor)).toMatchObject({ orderId });
    expect(await readRefundRequests(database)).toMatchObject([{ orderId, paymentId: paymentId ?? '' }]);
    const mark = () => postgresRefunds(database).recordRefund(orderId, paymentId, { actor, reason: 're_1' });
    expect(await Promise.all([mark(), mark()].map(async (done) => (await done)?.first))).toEqual(
      expect.arrayContaining([true, false]),
    );
    expect(await readOpen()).toEqual([]);
    expect(await postgresRefunds(database).requestRefundAgain(orderId, actor)).toBeUndefined();
    const marked = await postgresActivityQueries(database).listActivity(
      { action: 'ORDER_REFUNDED' },
      10,
      undefined,
    );
    expect(marked.map(({ subject }) => subject.id)).toEqual(['ORD1']);
  });

  test('each open refund of one order is a row of its own, newest first, page by page', async () => {
    const shop = await createShop(await open());
    await shop.pay('ORD1', { paymentId: 'P1' }, { productId: 1001n });
    for (const paymentId of ['P2', 'P3', 'P4']) await shop.pay('ORD1', { paymentId }, { productId: 1001n });
    const first = await postgresOrderQueries(shop.database).listOpenRefunds(undefined, 2, undefined);
    const rest = await postgresOrderQueries(shop.database).listOpenRefunds('ORD1', 2, first[1]?.id);
    const instance = await postgresInstanceLogs(shop.database).findInstance('ORD1' as SourceId);
    expect([...first, ...rest]).toMatchObject(
      ['P4', 'P3', 'P2'].map((paymentId) => ({ paymentId, instanceId: String(instance?.instanceId) })),
    );
    await postgresRefunds(shop.database).recordRefund('ORD1', 'P3');
    const left = await postgresOrderQueries(shop.database).listOpenRefunds(undefined, 10, undefined);
    expect(left.map(({ paymentId }) => paymentId)).toEqual(['P4', 'P2']);
  });
});
