import { describe, expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import type { Database } from '../../src/lib/sql.ts';
import { parkHostile } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

const overdueIds = ['900000000000000001', '900000000000000002'];

/** Two instances that are past their deadline and not due again while the test runs. */
async function seed(database: Database): Promise<void> {
  await parkHostile(database);
  for (const id of overdueIds) {
    await database.query(
      `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id)
       VALUES (1001, 61, $1, 'VIP', $2)`,
      [id, `LATE${id.at(-1)}`],
    );
    await database.query(
      "INSERT INTO overdue (instance_id, due_at) VALUES ($1, now() + interval '5 minutes')",
      [id],
    );
  }
}

describe.skipIf(!hasBrowser())('the badges of the navigation', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '200' }, seed);

  test('a badge counts overdue instances and open refunds, and opens exactly these', async () => {
    await weir.giveGift('62', 'INTIME1');
    const order = async () =>
      (await weir.request('POST', '/v1/orders', { productId: '1001', userId: '63' })).body.id;
    const [owed, paid] = [await order(), await order()];
    await weir.request('POST', `/v1/orders/${owed}/cancel`);
    for (const id of [owed, paid]) {
      expect((await weir.request('POST', `/v1/orders/${id}/paid`)).status).toBeLessThan(300);
    }
    // Weir does not have this order; its second and third payments go back.
    for (const paymentId of ['PAY1', 'PAY2', 'PAY3']) {
      const body = { productId: '1001', userId: '63', paymentId };
      expect((await weir.request('POST', '/v1/orders/ELSEWHERE/paid', body)).status).toBeLessThan(300);
    }
    const page = await weir.openPage('#/trend');
    const nav = page.getByRole('navigation', { name: en['shell.views'] });
    const rows = page.getByRole('row').filter({ has: page.getByRole('rowheader') });
    await nav.getByRole('link', { name: 'Overdue: 2', exact: true }).click();
    await rows.getByRole('link', { name: overdueIds[0] as string }).waitFor();
    expect(await rows.getByRole('link').allTextContents()).toEqual([...overdueIds].reverse());
    await page.getByRole('list', { name: en['filter.active'] }).getByText(en['flag.true']).waitFor();

    const badge = (count: number) =>
      nav.getByRole('link', { name: `${en['refunds.title']} ${count}`, exact: true });
    await badge(3).click();
    await rows.getByRole('link', { name: owed }).waitFor();
    expect(await rows.getByRole('rowheader').allTextContents()).toEqual([
      ...[2, 1].map(() => expect.stringMatching(/^ELSEWHERE/)),
      owed,
    ]);
    // One by one, each by its own payment, with the buttons of its row.
    const again = page.getByRole('button', { name: `${en['refund.again']}, ELSEWHERE, PAY2` });
    await again.click();
    await page.locator('.notice.good').getByText(en['instance.refundRequested']).waitFor();
    for (const [left, about] of ['ELSEWHERE, PAY2', 'ELSEWHERE, PAY3', owed].entries()) {
      await page.getByRole('button', { name: `${en['order.refunded']}, ${about}` }).click();
      await page.getByRole('dialog').getByLabel(en['order.refundedWhy']).fill('re_63');
      await page.keyboard.press('Enter');
      if (left < 2) await badge(2 - left).waitFor();
    }
    await page.getByText(en['refunds.none']).waitFor();
    await nav.getByRole('link', { name: en['refunds.title'], exact: true }).waitFor();
    await nav.getByRole('link', { name: `${en['parked.title']} 3`, exact: true }).waitFor();

    await nav.getByRole('link', { name: en['now.title'], exact: true }).click();
    const waiting = page.getByRole('region', { name: en['now.waiting'] }).first();
    await waiting.getByRole('link', { name: en['waiting.overdue'] }).click();
    await rows.getByRole('link', { name: overdueIds[0] as string }).waitFor();
  });
});
