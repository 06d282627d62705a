import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import type { Database } from '../../src/lib/sql.ts';
import { parkHostile, settled } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

const longestId = '9223372036854775807';
const slow = '900000000000000001';

/** An instance whose result will come after more than twelve minutes. */
async function seed(database: Database): Promise<void> {
  await parkHostile(database);
  await database.query(
    `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, created_at)
     VALUES (1001, 61, $1, 'VIP', 'SLOW1', now() - interval '12 minutes 34 seconds')`,
    [slow],
  );
}

describe.skipIf(!hasBrowser())('the room that a view has', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '200' }, seed);

  async function openList(view: string, width: number): Promise<Page> {
    const page = await weir.openPage(`#/${view}`);
    await page.setViewportSize({ width, height: 800 });
    await page.getByRole('rowheader').first().waitFor();
    return page;
  }

  async function failAnOrder(): Promise<void> {
    const { body } = await weir.request('POST', '/v1/orders', { productId: '1001', userId: longestId });
    const paid = await weir.request('POST', `/v1/orders/${body.id}/paid`);
    await weir.request('POST', `/v1/instances/${paid.body.instanceId}/result`, {
      ...{ status: 'FAILED', reason: 'no machine with this many processors is free' },
    });
  }

  test('no list cuts or breaks an id, on a laptop or on a phone', async () => {
    await failAnOrder();
    const product = { name: 'A name '.repeat(14).trim(), cpus: 128, memoryMb: 1_048_576, image: 'x' };
    expect((await weir.request('POST', '/v1/products', { id: longestId, ...product })).status).toBe(201);
    for (const view of ['instances', 'orders', 'refunds', 'products']) {
      for (const width of [1_280, 360]) {
        const page = await openList(view, width);
        const cut = `[...document.querySelectorAll('.view .scroll')]
          .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).length`;
        expect(await page.evaluate(cut), `tables of ${view}, ${width} pixels`).toBe(0);
        const ids = page.locator('table .id').filter({ hasText: longestId });
        expect(await ids.count(), view).toBeGreaterThan(0);
        const lines = await ids.evaluateAll((found) => found.map((each) => each.getClientRects().length));
        expect(lines, `lines of an id in ${view}, ${width} pixels`).toEqual(lines.map(() => 1));
      }
    }
  });

  test('an instance without a reason stands in one line of a wide screen', async () => {
    const id = await weir.giveGift(longestId, 'ORD252341124235001857');
    await failAnOrder();
    const page = await openList('instances', 1_440);
    const row = page.getByRole('row').filter({ hasText: id });
    expect((await row.boundingBox())?.height).toBeLessThan(40);
  });

  test('a delay of minutes stays within its tile', async () => {
    await weir.request('POST', `/v1/instances/${slow}/result`, { status: 'SUCCESS' });
    const page = await weir.openPage('#/now');
    await page.setViewportSize({ width: 1_280, height: 800 });
    const tile = page.getByRole('region', { name: en['now.delayMost'] });
    await tile.locator('.value').getByText(/min/).waitFor(settled);
    const excess = await page
      .locator('.tile .value')
      .evaluateAll((values) => values.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth));
    expect(excess).toEqual(excess.map(() => 0));
  });

  test('a button stands next to its field, and the fields of a form in rows', async () => {
    const page = await weir.openPage('#/parked/1');
    await page.setViewportSize({ width: 1_280, height: 800 });
    const middle = async (selector: string) => {
      const { y, height } = (await page.locator(selector).boundingBox()) ?? { y: 0, height: 0 };
      return y + height / 2;
    };
    await page.locator('#replay-for').waitFor();
    expect(Math.abs((await middle('#replay-for')) - (await middle('input[name="userId"]')))).toBeLessThan(6);
    await page.goto(`${weir.url}/#/sales`);
    await page.locator('.explained .field').first().waitFor();
    const tops = await page
      .locator('.explained .field')
      .evaluateAll((fields) => fields.slice(0, 4).map((field) => field.getBoundingClientRect().top));
    expect(tops).toEqual(tops.map(() => tops[0]));
  });

  test('the guide scrolls down only on a phone', async () => {
    const page = await weir.openPage('#/now');
    await page.setViewportSize({ width: 360, height: 740 });
    await page.goto(`${weir.url}/guide.html`);
    const excess = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(excess)).toBe(0);
  });
});
