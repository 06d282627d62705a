import { describe, expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import { forged, hostile, parkHostile, shownForged } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

describe.skipIf(!hasBrowser())('parked items', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '1500' }, parkHostile);

  test('a parked item links to its section of the guide, which the page serves', async () => {
    const page = await weir.openPage('#/parked');
    await page
      .getByRole('link', { name: /^#\d+$/ })
      .first()
      .click();
    const href = await page.locator('#guide').getAttribute('href');
    expect(href).toBe('guide.html#user_id_invalid');
    await page.goto(new URL(href ?? '', page.url()).href);
    const section = page.locator('#user_id_invalid');
    await section.waitFor();
    expect(await section.textContent()).toBe('USER_ID_INVALID');
    expect(await section.isVisible()).toBe(true);
  });

  test('the timeline of an instance links to the item that it was parked as', async () => {
    const order = (await weir.request('POST', '/v1/orders', { productId: '1001', userId: '4716' })).body;
    const paid = await weir.request('POST', `/v1/orders/${order.id}/paid`, { amountCents: '1' });
    const id = paid.body.parkedId;
    const replayed = await weir.request('POST', `/v1/parked/${id}/replay`, { acceptAmount: true });
    const page = await weir.openPage(`#/instances/${replayed.body.instanceId}`);
    await page
      .locator('.timeline')
      .getByRole('link', { name: `#${id} ` })
      .click();
    await page.locator('.state').getByText(en['state.REPLAYED']).waitFor();
    expect(new URL(page.url()).hash).toBe(`#/parked/${id}`);
  });

  test('a refused action shows what another operator made of the item meanwhile', async () => {
    const path = '/v1/orders/of-another-shop/paid';
    const { parkedId } = (await weir.request('POST', path, {})).body;
    const page = await weir.openPage(`#/parked/${parkedId}`);
    await page.locator('#replay').waitFor();
    await weir.request('POST', `/v1/parked/${parkedId}/discard`, { reason: 'faster' });
    await page.locator('#replay').click();
    await page.locator('.notice.bad').getByText('PARKED_RESOLVED').waitFor();
    await page.locator('.state').getByText(en['state.DISCARDED']).waitFor();
    await page.locator('dd').getByText('faster', { exact: true }).waitFor();
    expect(await page.locator('#replay').count()).toBe(0);
    expect(weir.takeComplaints().join()).toMatch(/409/);
  });

  test('many parked items are discarded at once, with a reason that is kept', async () => {
    const page = await weir.openPage('#/parked?origin=STREAM');
    const replaySelected = page.getByRole('button', { name: en['parked.replaySelected'] });
    await replaySelected.click();
    await page.locator('.notice.warn').getByText(en['parked.selectFirst']).waitFor();
    await page.getByLabel('Select #1').check();
    await page.getByLabel('Select #2').check();
    await page.getByText('Selected: 2').waitFor();
    await replaySelected.click();
    await page.locator('.notice.warn').getByText('Still parked: 2.').waitFor();
    await page.getByRole('button', { name: en['parked.discardSelected'] }).click();
    await page.getByRole('dialog').getByText(en['parked.discardManyWarning']).waitFor();
    const note = `no buyer was found ${forged}`;
    await page.getByRole('dialog').getByLabel(en['instance.reason']).fill(note);
    await page.getByRole('dialog').getByRole('button', { name: en['parked.discard'] }).click();
    await page.locator('.notice.good').getByText('Discarded: 2.').waitFor();
    expect(await page.getByRole('row', { name: /#3/ }).count()).toBe(1);
    const { items } = (await weir.request('GET', '/v1/parked')).body;
    await page.getByRole('link', { name: `${en['parked.title']} ${items.length}`, exact: true }).waitFor();
    expect(await page.getByRole('row', { name: /#[12]/ }).count()).toBe(0);
    const { body } = await weir.request('GET', '/v1/parked/1');
    expect(body).toMatchObject({
      state: 'DISCARDED',
      resolution: { code: 'NOTE', params: { note } },
    });
  });

  test('strings that look like markup are shown as text, wherever they come from', async () => {
    const product = { id: '666', name: hostile, cpus: 1, memoryMb: 1, image: hostile };
    expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
    await weir.giveGift('666', hostile);
    await weir.request('POST', '/v1/sales', { productId: '666', stock: 1 });
    const page = await weir.openPage('#/sales');
    await page.getByRole('heading', { name: hostile }).waitFor();
    await page.goto(`${weir.url}/#/instances?source=ACTIVITY`);
    await page.getByRole('cell', { name: hostile }).first().waitFor();
    await page.goto(`${weir.url}/#/parked/1`);
    await page.locator('#original').getByText(`uid ${hostile}`).waitFor();
    expect(await page.locator('#original').textContent()).toBe(`uid ${hostile}\n${shownForged}`);
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.title()).toBe('Parked item #1 · Weir');
  });
});
