import { describe, expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import { sendRaw } from '../journey/share-weir.ts';
import { forged, hostile, parkHostile, shownForged } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

describe.skipIf(!hasBrowser())('finding things', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '1500' }, parkHostile);

  test('one box finds an instance by any id, a parked item and a view', async () => {
    const id = await weir.giveGift('4801', 'FIND1');
    const page = await weir.openPage('#/audit');
    const box = page.getByRole('textbox', { name: en['palette.label'] });
    await page.locator('#find').waitFor();
    await page.keyboard.press('/');
    await box.fill('FIND1');
    await page.getByRole('dialog').getByText(id).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: id }).waitFor();
    await page.keyboard.press('Control+k');
    await box.fill('2');
    await page.getByRole('dialog').getByRole('link', { name: '#2' }).click();
    await page.getByRole('heading', { level: 1, name: '#2' }).waitFor();
    await page.keyboard.press('/');
    await box.fill('trend');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: en['trend.title'] }).waitFor();
    await page.keyboard.press('/');
    await box.fill(forged.slice(0, 20));
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    weir.takeComplaints();
  });

  test('the box finds an order by a user id of any length, an item by #, a product', async () => {
    const userId = '9223372036854775807';
    const { body } = await weir.request('POST', '/v1/orders', { productId: '1001', userId });
    const page = await weir.openPage('#/audit');
    await page.locator('#find').click();
    const box = page.getByRole('textbox', { name: en['palette.label'] });
    const found = page.getByRole('dialog').getByRole('link');
    await box.fill(userId);
    await found.filter({ hasText: body.id }).waitFor();
    // The entry that it was, which has no instance.
    await box.fill('2-0');
    await found.filter({ hasText: /#2.*Parked/ }).waitFor();
    await box.fill('#3');
    await found.filter({ hasText: /#3.*Parked/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: '#3' }).waitFor();
    await page.keyboard.press('/');
    await box.fill('1002');
    await found.filter({ hasText: '1002 · ' }).click();
    const rows = page.getByRole('rowheader');
    await rows.first().getByText('1002').waitFor();
  });

  test('an address that names an item of a view without items is no page', async () => {
    const page = await weir.openPage('#/sales/zz');
    for (const view of ['sales/zz', 'products/1001', 'audit/7', 'now/x']) {
      await page.goto(`${weir.url}/#/${view}`);
      await page.getByRole('heading', { level: 1, name: en['missing.title'] }).waitFor();
    }
    await page.goto(`${weir.url}/#/orders/`);
    await page.getByRole('heading', { level: 1, name: en['orders.title'], exact: true }).waitFor();
  });

  test('each filter of a list is a chip that takes it away, nonsense in the address too', async () => {
    const page = await weir.openPage(`#/instances?source=ACTIVITY&from=${encodeURIComponent(hostile)}`);
    await page.locator('.notice.bad').waitFor();
    const chips = page.getByRole('list', { name: en['filter.active'] });
    await chips.getByRole('link', { name: hostile }).click();
    await page.waitForURL('**/#/instances?source=ACTIVITY');
    await chips.getByRole('link', { name: 'ACTIVITY' }).click();
    await page.waitForURL('**/#/instances');
    await chips.waitFor({ state: 'detached' });
    expect(weir.takeComplaints().filter((each) => !each.includes('400'))).toEqual([]);
  });

  test('a filter keeps what is typed into it while its list is still loading', async () => {
    await weir.giveGift('4802', 'TYPED1');
    const page = await weir.openPage('#/trend');
    let answer = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/v1/instances?*', async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(`${weir.url}/#/instances`);
    await page.getByRole('heading', { level: 1, name: en['instances.title'] }).waitFor();
    await page.getByLabel(en['instance.source']).fill('activity');
    await page.getByLabel(en['instance.status']).selectOption('SUCCESS');
    answer();
    await page.getByRole('rowheader').first().waitFor();
    await page.unroute('**/v1/instances?*');
    await page.getByRole('button', { name: en['action.search'] }).click();
    await page.waitForURL('**/#/instances?status=SUCCESS&source=ACTIVITY');
  });

  test('what an operator changed is in the activity, and with the item that it changed', async () => {
    const page = await weir.openPage('#/parked/1');
    await page.getByRole('button', { name: en['parked.discard'] }).click();
    await page.getByRole('dialog').getByLabel(en['instance.reason']).fill(`no buyer ${forged}`);
    await page.getByRole('dialog').getByRole('button', { name: en['parked.discard'] }).click();
    await page.locator('.notice.good').waitFor();
    await page.reload();
    const changes = page.getByRole('region', { name: en['activity.ofThis'] });
    await changes.getByText(en['did.PARKED_DISCARDED']).waitFor();
    await changes.getByText(shownForged).waitFor();
    await changes.getByRole('link').first().click();
    const row = page.getByRole('row').filter({ hasText: en['did.PARKED_DISCARDED'] });
    await row.getByRole('link', { name: '1', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: '#1' }).waitFor();
  });

  test('the activity shows moments in the time zone of the page, and leads to a product', async () => {
    const product = { id: '1004', name: 'Changed', cpus: 1, memoryMb: 1, image: 'x' };
    await weir.request('POST', '/v1/products', product);
    const startsAt = '2099-01-02T03:04:05.000Z';
    await weir.request('POST', '/v1/sales', { productId: '1004', stock: 1, startsAt });
    const page = await weir.openPage('#/activity', { timezoneId: 'Asia/Shanghai' });
    const row = page.getByRole('row').filter({ hasText: en['did.SALE_OPENED'] });
    await row.locator('.change').getByText('2099-01-02 11:04:05').waitFor();
    await page
      .getByRole('row')
      .filter({ hasText: en['did.PRODUCT_CREATED'] })
      .getByRole('link', { name: '1004' })
      .click();
    await page.getByRole('rowheader').first().getByText('1004').waitFor();
  });

  test('a browser gets a page for an address that does not exist, a program a problem', async () => {
    const asPerson = await sendRaw(weir.url, 'GET', '/nothing/here', { accept: 'text/html,*/*' });
    expect([asPerson.status, asPerson.contentType]).toEqual([404, 'text/html; charset=utf-8']);
    expect(asPerson.text).toContain('No such page');
    expect(asPerson.text).toContain('rel="icon"');
    const asProgram = await sendRaw(weir.url, 'GET', '/nothing/here', { accept: 'application/json' });
    expect([asProgram.status, JSON.parse(asProgram.text).code]).toEqual([404, 'NOT_FOUND']);
  });
});
