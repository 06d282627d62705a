import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import { pollUntil } from '../support/poll-until.ts';
import { parkHostile } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

describe.skipIf(!hasBrowser())('sales and products', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '1500' }, parkHostile);
  const productField = (page: Page) => page.locator('form input[name="productId"]');

  test('a sale is opened, paused, resumed, restocked, and ended after a confirmation', async () => {
    const page = await weir.openPage('#/sales');
    await productField(page).fill('1003');
    await page.getByLabel(en['sale.stock'], { exact: true }).fill('7');
    await page.getByRole('button', { name: en['sale.open'] }).click();
    const card = page.locator('section.sale').filter({ hasText: 'Memory 8' });
    await card.getByText(en['state.OPEN'], { exact: true }).waitFor();
    await card.getByRole('button', { name: en['sale.pause'] }).click();
    await card.getByText(en['state.PAUSED'], { exact: true }).waitFor();
    await card.getByRole('button', { name: en['sale.resume'] }).click();
    await card.getByText(en['state.OPEN'], { exact: true }).waitFor();
    await card.getByRole('button', { name: en['sale.add'] }).click();
    await page.getByRole('dialog').getByLabel(en['sale.units']).fill('3');
    await page.getByRole('dialog').getByRole('button', { name: en['sale.add'] }).click();
    await card.locator('dd.stock').getByText('10', { exact: true }).waitFor();
    await card.getByRole('button', { name: en['sale.end'] }).click();
    await page.keyboard.press('Escape');
    expect((await weir.request('GET', '/v1/sales/1003')).body).toMatchObject({ state: 'OPEN', stock: 10 });
    await card.getByRole('button', { name: en['sale.end'] }).click();
    await page.getByRole('dialog').getByRole('button', { name: en['sale.end'] }).click();
    await card.getByText(en['state.ENDED'], { exact: true }).waitFor();
  });

  test('sales stand on pages in order of product, and whichever is opened can be reached', async () => {
    const open = (productId: string) => weir.request('POST', '/v1/sales', { productId, stock: 1 });
    const create = async (id: number) => {
      const product = { id: `${id}`, name: `Seven ${id}`, cpus: 1, memoryMb: 1, image: 'x' };
      expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
      if (id > 7_001) expect((await open(`${id}`)).status).toBe(201);
    };
    await Promise.all(Array.from({ length: 52 }, (_, i) => create(7_001 + i)));
    const page = await weir.openPage('#/sales?cursor=7000');
    const titles = () => page.locator('section.sale h2').allTextContents();
    const idsOf = async () => (await titles()).map((title) => title.split(' ')[0]);
    const ids = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => String(from + i));
    await pollUntil('the first fifty', 10_000, async () => expect(await idsOf()).toEqual(ids(7_002, 7_051)));
    // A sale opened in between appears in the list, and moves the last one to the next page.
    await productField(page).fill('7001');
    await page.getByRole('button', { name: en['sale.open'] }).click();
    await pollUntil('the new one', 10_000, async () => expect(await idsOf()).toEqual(ids(7_001, 7_050)));
    await page.getByRole('link', { name: en['pager.next'] }).click();
    await pollUntil('the rest', 10_000, async () => expect(await idsOf()).toEqual(ids(7_051, 7_052)));
    await page.getByLabel(en['sale.fromProduct']).fill('7040');
    await page.getByRole('button', { name: en['action.show'] }).click();
    await pollUntil('those from 7040 on', 10_000, async () =>
      expect(await idsOf()).toEqual(ids(7_040, 7_052)),
    );
    await productField(page).fill('1002');
    await page.getByRole('button', { name: en['sale.open'] }).click();
    await page.getByRole('link', { name: en['sale.showIt'] }).click();
    await pollUntil('the one on another page', 10_000, async () => expect((await idsOf())[0]).toBe('1002'));
  });

  test('a product is disabled after a confirmation, and enabled where a winner is parked', async () => {
    const page = await weir.openPage('#/products');
    const button = page.locator('#switch-1003');
    const isEnabled = async () => (await weir.request('GET', '/v1/products/1003')).body.enabled;
    await button.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    expect(await isEnabled()).toBe(true);
    await button.click();
    await page.getByRole('dialog').getByText(en['product.disableWarning']).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: en['product.disable'] }).click();
    await page.getByText('Product 1003 is disabled.').waitFor();
    expect(await isEnabled()).toBe(false);
    expect(await page.evaluate('document.activeElement.textContent')).toBe(en['product.enable']);
    await page.goto(`${weir.url}/#/sales`);
    await page.locator('datalist option[value="1002"]').waitFor({ state: 'attached' });
    expect(await page.locator('datalist option[value="1003"]').count()).toBe(0);

    expect(
      (await weir.request('POST', '/v1/try/seckill', { productId: '1003', firstUserId: '7' })).status,
    ).toBe(202);
    const item = await pollUntil('the winner to be parked', 10_000, async () => {
      const { body } = await weir.request('GET', '/v1/parked?reason=PRODUCT_DISABLED');
      expect(body.items).toHaveLength(1);
      return body.items[0];
    });
    await page.goto(`${weir.url}/#/parked/${item.id}`);
    await page.getByRole('button', { name: 'Enable product 1003' }).click();
    await page.getByText(en['product.nowReplay']).waitFor();
    await page.locator('#replay').click();
    await page.locator('#its-instance').first().waitFor();
    expect(await isEnabled()).toBe(true);
  });

  test('what the API refuses is shown with its detail and advice where the action was', async () => {
    const page = await weir.openPage('#/sales');
    await productField(page).fill('1002');
    await page.getByLabel(en['sale.startsAt']).fill('2031-01-02T00:00');
    await page.getByLabel(en['sale.endsAt']).fill('2031-01-01T00:00');
    await page.getByRole('button', { name: en['sale.open'] }).click();
    const notice = page.locator('form.explained + .notice');
    await notice.getByText('endsAt must be after startsAt').waitFor();
    expect(await notice.innerText()).toMatch(/A sale ends after it starts/);
    expect(weir.takeComplaints().join()).toMatch(/422/);
  });
});
