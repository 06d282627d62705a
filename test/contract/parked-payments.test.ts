import { describe, expect, test } from 'vitest';
import { postgresParkedQueries } from '../../src/adapters/postgres/parked-queries.ts';
import { createActor } from '../support/actors.ts';
import { auditEmbedded } from '../support/audit-embedded.ts';
import { createProduct } from '../support/parts.ts';
import { createShop, readRefundRequests } from '../support/payments.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.keys(databases))('parked payments on %s', (name) => {
  const setUp = async () => {
    const shop = await createShop(await databases[name as keyof typeof databases]());
    const { database, desk } = shop;
    return {
      ...shop,
      disable: (enabled = false) =>
        database.query('UPDATE products SET enabled = $1 WHERE id = 1001', [enabled]),
      list: (state = 'PARKED') =>
        postgresParkedQueries(database).listParked({ origin: 'PAYMENT', state }, 100, undefined),
      replayOnly: async (options = {}) => {
        const [item] = await postgresParkedQueries(database).listParked(
          { origin: 'PAYMENT', state: 'ALL' },
          100,
          undefined,
        );
        return desk.replay(item?.id ?? '0', createActor('me'), options);
      },
      async expectAuditHolds() {
        const { sums } = await auditEmbedded(database);
        expect(sums.filter(({ difference }) => difference !== 0)).toEqual([]);
      },
    };
  };

  test.each([
    ['a disabled product', 'PRODUCT_DISABLED', 'ORD1', {}],
    ['an unknown product', 'PRODUCT_NOT_FOUND', 'ELSEWHERE', { productId: 4999n }],
    ['an unknown order', 'ORDER_NOT_FOUND', 'NOWHERE', {}],
  ])('a payment for %s is parked once, and repeats get that answer', async (_, reason, id, body) => {
    const shop = await setUp();
    await shop.order('ORD1');
    await shop.disable();
    const payment = { webhookId: 'w1', amountCents: 19900n };
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await shop.pay(id, payment, body));
    const [item] = await shop.list();
    expect(await shop.list()).toHaveLength(1);
    expect(item).toMatchObject({ reason, source: 'ORDER', sourceId: id });
    expect(answers[0]).toMatchObject({
      kind: 'parked',
      item: { parkedId: item?.id, reason, state: 'PARKED' },
    });
    expect(answers.slice(1)).toMatchObject([
      { item: { parkedId: item?.id } },
      { item: { parkedId: item?.id } },
    ]);
    const [row] = await shop.database.query<{ original: Buffer }>('SELECT original FROM parked');
    expect(JSON.parse(Buffer.from(row?.original ?? '').toString())).toMatchObject({ amountCents: '19900' });
    expect(shop.parked).toHaveLength(1);
    await shop.expectAuditHolds();
  });

  test('an order with a parked payment does not expire, and its replay pays it once', async () => {
    const shop = await setUp();
    await shop.order('ORD1');
    await shop.order('ORD2');
    await shop.disable();
    await shop.pay('ORD1', { paymentId: 'P1' });
    await shop.database.query("UPDATE orders SET expires_at = now() - interval '1 second'");
    expect(await shop.orders.expireOrders(10)).toBe(1);
    expect((await shop.orders.findOrder('ORD1'))?.status).toBe('PENDING');
    expect(await shop.replayOnly()).toMatchObject({
      state: 'PARKED',
      error: expect.objectContaining({ code: 'PRODUCT_DISABLED' }),
    });
    await shop.disable(true);
    const outcome = await shop.replayOnly();
    expect(outcome).toMatchObject({ state: 'REPLAYED', instanceId: expect.any(String) });
    expect(await shop.replayOnly()).toEqual(outcome);
    expect((await shop.orders.findOrder('ORD1'))?.status).toBe('PAID');
    expect(await shop.pay('ORD1', { paymentId: 'P1' })).toMatchObject({ kind: 'instance', first: false });
    expect(await shop.payments.findPayments('ORD1')).toMatchObject([
      { paymentId: 'P1', outcome: 'INSTANCE' },
    ]);
    expect(await shop.pay('ORD1', { paymentId: 'P2' })).toMatchObject({ kind: 'refund' });
    await shop.expectAuditHolds();
  });

  test('a payment that names nothing is parked once and replayed as well', async () => {
    const shop = await setUp();
    await shop.order('ORD1');
    await shop.disable();
    await shop.pay('ORD1');
    await shop.pay('ORD1');
    expect(await shop.list()).toHaveLength(1);
    await shop.disable(true);
    expect(await shop.replayOnly()).toMatchObject({ state: 'REPLAYED' });
    expect(await shop.payments.findPayments('ORD1')).toMatchObject([{ outcome: 'INSTANCE' }]);
    expect(await shop.pay('ORD1')).toMatchObject({ kind: 'instance', first: false });
  });

  test('a repeat that can be paid by now makes the instance, and the replay finds it', async () => {
    const shop = await setUp();
    await shop.pay('ELSEWHERE', { webhookId: 'w1' }, { productId: 1002n });
    await createProduct(shop.database, 1002n);
    const answer = await shop.pay('ELSEWHERE', { webhookId: 'w1' }, { productId: 1002n });
    if (answer.kind !== 'instance') throw new Error(answer.kind);
    expect(await shop.replayOnly()).toMatchObject({
      state: 'REPLAYED',
      instanceId: answer.instance.instanceId.toString(),
    });
    expect(await readRefundRequests(shop.database)).toEqual([]);
  });

  test('a replayed payment of an order that another payment paid is refunded', async () => {
    const shop = await setUp();
    await shop.order('ORD1');
    await shop.disable();
    await shop.pay('ORD1', { paymentId: 'P1' });
    await shop.disable(true);
    expect(await shop.pay('ORD1', { paymentId: 'P2' })).toMatchObject({ kind: 'instance', first: true });
    expect(await shop.replayOnly()).toMatchObject({
      state: 'REPLAYED',
      statement: { code: 'REFUND_REQUESTED', params: { reason: 'FURTHER_PAYMENT' } },
    });
    expect(await readRefundRequests(shop.database)).toMatchObject([{ paymentId: 'P1' }]);
    await shop.expectAuditHolds();
  });

  test('a payment of another amount is parked, and an operator accepts or refunds it', async () => {
    const shop = await setUp();
    for (const id of ['ORD1', 'ORD2']) {
      await shop.order(id);
      expect(await shop.pay(id, { paymentId: 'P1', amountCents: 1n })).toMatchObject({
        kind: 'parked',
        item: { reason: 'PAYMENT_AMOUNT_MISMATCH' },
      });
    }
    const [second, first] = await shop.list();
    expect(await shop.desk.replay(first?.id ?? '', createActor('me'))).toMatchObject({ state: 'PARKED' });
    expect(await shop.desk.replay(first?.id ?? '', createActor('me'), { acceptAmount: true })).toMatchObject({
      state: 'REPLAYED',
      instanceId: expect.any(String),
    });
    await shop.orders.cancelOrder('ORD2', createActor());
    expect(await shop.desk.replay(second?.id ?? '', createActor('me'))).toMatchObject({
      state: 'REPLAYED',
      instanceId: null,
    });
    expect(await readRefundRequests(shop.database)).toMatchObject([{ orderId: 'ORD2', amountCents: 1n }]);
    await shop.expectAuditHolds();
  });

  test('the same payment with another amount is a conflict and changes nothing', async () => {
    const shop = await setUp();
    await shop.order('ORD1');
    await shop.pay('ORD1', { paymentId: 'P1', amountCents: 19900n });
    for (const payment of [{ paymentId: 'P1', amountCents: 1n }, { amountCents: 1n }]) {
      await expect(shop.pay('ORD1', payment)).rejects.toMatchObject({ code: 'ORDER_CONFLICT' });
    }
    expect(await shop.list()).toEqual([]);
    expect(await readRefundRequests(shop.database)).toEqual([]);
  });

  test('a discarded payment makes no instance any more, and its repeats say so', async () => {
    const shop = await setUp();
    await shop.order('ORD1');
    await shop.disable();
    for (const id of ['ORD1', 'ELSEWHERE']) await shop.pay(id, { webhookId: 'w1' }, { productId: 1001n });
    for (const { id } of await shop.list())
      await shop.desk.discard(id, createActor('me'), 'returned by hand');
    await shop.disable(true);
    for (const id of ['ORD1', 'ELSEWHERE']) {
      expect(await shop.pay(id, { webhookId: 'w1' }, { productId: 1001n })).toMatchObject({
        kind: 'parked',
        item: { state: 'DISCARDED' },
      });
    }
    expect(await shop.database.query('SELECT 1 FROM instance_logs')).toEqual([]);
    expect((await shop.orders.findOrder('ORD1'))?.status).toBe('PENDING');
    expect(await shop.pay('ORD1', { webhookId: 'w2' })).toMatchObject({ kind: 'instance', first: true });
  });

  test('a named payment with another product or user is parked, else it is a conflict', async () => {
    const shop = await setUp();
    await createProduct(shop.database, 1002n);
    await shop.order('ORD1');
    const other = { productId: 1002n };
    await expect(shop.pay('ORD1', {}, other)).rejects.toMatchObject({ code: 'ORDER_CONFLICT' });
    expect(await shop.list('ALL')).toEqual([]);
    expect(await shop.pay('ORD1', { webhookId: 'w1' }, other)).toMatchObject({
      item: { reason: 'ORDER_CONFLICT' },
    });
    expect((await shop.orders.findOrder('ORD1'))?.status).toBe('PENDING');
    await shop.pay('ORD1', { webhookId: 'w2' });
    expect(await shop.pay('ORD1', { webhookId: 'w3' }, other)).toMatchObject({
      item: { reason: 'ORDER_CONFLICT' },
    });
    await expect(shop.pay('ORD1', { webhookId: 'w2' }, other)).rejects.toMatchObject({
      code: 'ORDER_CONFLICT',
    });
    expect(await readRefundRequests(shop.database)).toEqual([]);
  });

  test('a callback that names nothing gets the instance of an order that lives elsewhere', async () => {
    const shop = await setUp();
    const first = await shop.pay('ELSEWHERE', {}, { productId: 1001n });
    expect(await shop.pay('ELSEWHERE')).toEqual({ ...first, first: false });
    expect(await shop.list()).toEqual([]);
  });
});
