import { describe, expect, test } from 'vitest';
import { postgresRefunds } from '../../src/adapters/postgres/refund-requests.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import { createActor } from '../support/actors.ts';
import { auditEmbedded } from '../support/audit-embedded.ts';
import { failure } from '../support/parts.ts';
import { createShop, readRefundRequests } from '../support/payments.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.keys(databases))('payments on %s', (name) => {
  const setUp = async () => createShop(await databases[name as keyof typeof databases]());
  type Shop = Awaited<ReturnType<typeof setUp>>;

  const expectAuditHolds = async ({ database }: Shop) => {
    const { sums } = await auditEmbedded(database, { full: true });
    const { ok, ...found } = await auditEmbedded(database);
    expect({ ok, sums: found.sums.filter(({ difference }) => difference !== 0) }).toEqual({
      ok: true,
      sums: [],
    });
    expect(sums.length).toBeGreaterThan(5);
  };
  const disable = ({ database }: Shop, enabled = false) =>
    database.query('UPDATE products SET enabled = $1 WHERE id = 1001', [enabled]);
  const readOutcomes = async ({ payments }: Shop, orderId: string) =>
    (await payments.findPayments(orderId)).map(({ paymentId, webhookId, outcome }) => [
      paymentId ?? webhookId ?? '',
      outcome,
    ]);

  test('a named payment is recorded with its facts in the commit of its instance', async () => {
    const shop = await setUp();
    await shop.order('ORD1');
    const payment = {
      paymentId: 'P1',
      webhookId: 'w1',
      amountCents: 19900n,
      paidAt: new Date('2026-11-27T20:00:00Z'),
    };
    expect(await shop.pay('ORD1', payment)).toMatchObject({ kind: 'instance', first: true });
    expect(await shop.payments.findPayments('ORD1')).toMatchObject([{ ...payment, outcome: 'INSTANCE' }]);
    await expectAuditHolds(shop);
  });

  test('a repeat of a payment is one by its paymentId, else by its webhook-id', async () => {
    const shop = await setUp();
    await shop.order('ORD1');
    const first = await shop.pay('ORD1', { paymentId: 'P1', webhookId: 'w1' });
    const repeats = [{ paymentId: 'P1', webhookId: 'w2' }, { paymentId: 'P1' }, { webhookId: 'w1' }, {}];
    for (const payment of repeats) {
      expect(await shop.pay('ORD1', payment)).toEqual({ ...first, first: false });
    }
    expect(await readRefundRequests(shop.database)).toEqual([]);
    expect(await readOutcomes(shop, 'ORD1')).toEqual([['P1', 'INSTANCE']]);
  });

  test.each([
    ['another webhook-id', { webhookId: 'w1' }, { webhookId: 'w2' }, 'w2'],
    ['another paymentId', { paymentId: 'P1' }, { paymentId: 'P2' }, 'P2'],
    [
      'another paymentId but the same webhook-id',
      { paymentId: 'P1', webhookId: 'w1' },
      { paymentId: 'P2', webhookId: 'w1' },
      'P2',
    ],
  ])('a second payment with %s is refunded once', async (_, one, two, named) => {
    const shop = await setUp();
    await shop.order('ORD1');
    await shop.pay('ORD1', one);
    const answers = await Promise.all([1, 2, 3].map(() => shop.pay('ORD1', { ...two, amountCents: 500n })));
    for (const answer of [...answers, await shop.pay('ORD1', two)]) {
      expect(answer).toMatchObject({ kind: 'refund', refund: { paymentId: named, amountCents: 500n } });
    }
    expect(await readRefundRequests(shop.database)).toMatchObject([
      {
        orderId: 'ORD1',
        paymentId: named,
        amountCents: 500n,
        reason: 'FURTHER_PAYMENT',
      },
    ]);
    expect((await shop.orders.findOrder('ORD1'))?.status).toBe('PAID');
    expect(await shop.database.query('SELECT 1 FROM instance_logs')).toHaveLength(1);
    await expectAuditHolds(shop);
  });

  test('two payments of an order that lives elsewhere make one instance and one refund', async () => {
    const shop = await setUp();
    const answers = await Promise.all(
      ['P1', 'P2'].map((paymentId) => shop.pay('ELSEWHERE', { paymentId }, { productId: 1001n })),
    );
    expect(answers.map(({ kind }) => kind).sort()).toEqual(['instance', 'refund']);
    expect(await readRefundRequests(shop.database)).toHaveLength(1);
    await expectAuditHolds(shop);
  });

  test('the first named payment counts as the one of an unnamed callback', async () => {
    const shop = await setUp();
    await shop.order('ORD1');
    await shop.pay('ORD1');
    expect(await shop.pay('ORD1', { paymentId: 'P1' })).toMatchObject({ kind: 'instance', first: false });
    expect(await readRefundRequests(shop.database)).toEqual([]);
    expect(await shop.pay('ORD1', { paymentId: 'P2' })).toMatchObject({ kind: 'refund' });
    expect(await readOutcomes(shop, 'ORD1')).toEqual([
      ['P1', 'INSTANCE'],
      ['P2', 'REFUND'],
    ]);
  });

  test('the refund of a failed instance names the payment and what was paid', async () => {
    const shop = await setUp();
    const answer = await shop.pay('ELSEWHERE', { paymentId: 'P1', amountCents: 700n }, { productId: 1001n });
    if (answer.kind !== 'instance') throw new Error(answer.kind);
    await settleResults(shop.database, [failure(answer.instance.instanceId as InstanceId)]);
    expect(await readRefundRequests(shop.database)).toMatchObject([{ paymentId: 'P1', amountCents: 700n }]);
    await shop.pay('ELSEWHERE', { paymentId: 'P2' });
    expect(await readRefundRequests(shop.database)).toMatchObject([{ paymentId: 'P1' }, { paymentId: 'P2' }]);
    await expectAuditHolds(shop);
  });

  test('a refund is reported for the payment that it names, each once', async () => {
    const shop = await setUp();
    await shop.order('ORD1');
    await shop.orders.cancelOrder('ORD1', createActor());
    for (const paymentId of ['P1', 'P2']) await shop.pay('ORD1', { paymentId });
    const report = async (paymentId?: string) => {
      const recorded = await postgresRefunds(shop.database).recordRefund('ORD1', paymentId);
      return recorded && [recorded.first, recorded.refund.paymentId];
    };
    expect(await report('P2')).toEqual([true, 'P2']);
    expect((await shop.orders.findOrder('ORD1'))?.status).toBe('REFUND_REQUESTED');
    expect(await report('P3')).toBeUndefined();
    expect(await report()).toEqual([true, 'P1']);
    expect((await shop.orders.findOrder('ORD1'))?.status).toBe('REFUNDED');
    expect(await report('P1')).toEqual([false, 'P1']);
  });

  test('each payment of a closed order gets its refund, product or not', async () => {
    const shop = await setUp();
    for (const id of ['CANCELLED', 'EXPIRED']) {
      await shop.order(id);
      await shop.database.query('UPDATE orders SET status = $1 WHERE id = $1', [id]);
    }
    await disable(shop);
    for (const id of ['CANCELLED', 'EXPIRED']) {
      const first = await shop.pay(id, { paymentId: 'P1' });
      expect(first).toMatchObject({
        kind: 'refund',
        refund: { orderId: id, paymentId: 'P1', amountCents: 19900n },
      });
      expect(await shop.pay(id, { paymentId: 'P1' })).toEqual(first);
      expect(await shop.pay(id)).toEqual(first);
      await postgresRefunds(shop.database).recordRefund(id);
      expect(await shop.pay(id, { paymentId: 'P1' })).toMatchObject({ kind: 'refund' });
    }
    expect(await readRefundRequests(shop.database)).toHaveLength(2);
    await disable(shop, true);
    await expectAuditHolds(shop);
  });

  test('every payment of an order that is over is returned, each once', async () => {
    const shop = await setUp();
    await shop.order('ORD1');
    await shop.orders.cancelOrder('ORD1', createActor());
    const payments = [
      {},
      { paymentId: 'P1' },
      { paymentId: 'P2' },
      { paymentId: 'P1' },
      {},
      { paymentId: 'P2' },
    ];
    for (const payment of payments) expect(await shop.pay('ORD1', payment)).toMatchObject({ kind: 'refund' });
    // P1 may be the payment that did not name itself: money is never returned twice.
    expect(await readRefundRequests(shop.database)).toMatchObject([{ paymentId: '' }, { paymentId: 'P2' }]);
    await expectAuditHolds(shop);
  });
});
