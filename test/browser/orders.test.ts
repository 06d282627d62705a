import { describe, expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import { zh } from '../../src/dashboard/words/zh.ts';
import { parkHostile, settled } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

describe.skipIf(!hasBrowser())('orders and groups of parked items', () => {
  const env = {
    WEIR_RESOURCE_DELAYMS: '200',
    WEIR_SERVER_NAME: 'staging',
    WEIR_SERVER_TRACEURL: 'https://traces.example/search?id={instanceId}',
  };
  const weir = sharePage(env, parkHostile);

  async function createOrder(userId: string): Promise<string> {
    const { status, body } = await weir.request('POST', '/v1/orders', { productId: '1001', userId });
    expect(status).toBe(201);
    return body.id;
  }

  test('an order is found by its user, and cancelled after its hint was read', async () => {
    const id = await createOrder('880001');
    await createOrder('880002');
    const page = await weir.openPage('#/orders?userId=880001');
    await page.getByRole('link', { name: id }).click();
    await page.getByText(en['order.cancelHint']).waitFor();
    await page.getByRole('button', { name: en['order.cancel'] }).click();
    await page.locator('p.state').getByText(en['state.CANCELLED'], { exact: true }).waitFor();
    expect((await weir.request('GET', `/v1/orders/${id}`)).body).toMatchObject({ status: 'CANCELLED' });
    expect(await page.getByRole('button', { name: en['order.cancel'] }).count()).toBe(0);
  });

  test('a paid order names its payment, its timeline and its instance', async () => {
    const id = await createOrder('880003');
    const paid = { orderId: id, paymentId: 'pay-880003' };
    const { body } = await weir.request('POST', `/v1/orders/${id}/paid`, paid);
    const page = await weir.openPage('#/orders?paymentId=pay-880003');
    await page.getByRole('link', { name: id }).click();
    await page.getByRole('link', { name: body.instanceId }).first().waitFor();
    await page.getByRole('cell', { name: 'pay-880003' }).or(page.getByText('pay-880003')).first().waitFor();
    await page.getByRole('link', { name: body.instanceId }).first().click();
    await page.getByRole('link', { name: id }).waitFor();
    const traces = page.getByRole('link', { name: en['instance.findTraces'] });
    expect(await traces.getAttribute('href')).toBe(`https://traces.example/search?id=${body.instanceId}`);
  });

  test('parked items are grouped by reason, and a group leads to its items', async () => {
    const { items } = (await weir.request('GET', '/v1/parked/groups')).body;
    const page = await weir.openPage('#/parked');
    await page.getByRole('table', { name: en['parked.groups'] }).getByText(items[0].reason).first().click();
    await page.waitForURL(/reason=/);
  });

  test('the name of the environment stands in the title', async () => {
    const page = await weir.openPage('');
    await expect.poll(() => page.title()).toContain('staging');
  });

  test('a refused action shows what another operator made of the order meanwhile', async () => {
    const id = await createOrder('880004');
    for (const paymentId of ['pay-first', 'pay-second']) {
      await weir.request('POST', `/v1/orders/${id}/paid`, { paymentId });
    }
    const page = await weir.openPage(`#/orders/${id}`);
    // From then on the view no longer loads the order by itself.
    await page.locator('p.state').getByText(en['state.COMPLETED']).waitFor(settled);
    const again = page.getByRole('button', { name: en['instance.refund'] });
    await again.waitFor();
    const made = { reason: 'faster', paymentId: 'pay-second' };
    expect((await weir.request('POST', `/v1/orders/${id}/mark-refunded`, made)).status).toBe(200);
    await again.click();
    await page.locator('.notice.bad').waitFor();
    await again.waitFor({ state: 'detached' });
    await page.locator('.timeline').getByText('faster').waitFor();
    expect(weir.takeComplaints().join()).toMatch(/409/);
  });

  test('the timeline of an order names who did what in the language of the reader', async () => {
    const id = await createOrder('880005');
    await weir.request('POST', `/v1/orders/${id}/paid`, { paymentId: 'pay-880005' });
    const page = await weir.openPage(`#/orders/${id}`, { locale: 'zh-CN' });
    const steps = page.locator('.timeline');
    await steps.getByText(zh['by.payment callback']).first().waitFor();
    await steps.getByText(zh['by.shop']).waitFor();
    expect(await steps.innerText()).not.toMatch(/shop|callback|weir/);
    await page.getByRole('link', { name: '1001 · GPU Small' }).click();
    await page.waitForURL('**/#/orders?productId=1001');
  });
});
