import type { Page } from 'playwright-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { signCallback } from '../../src/cli/client/sign-callback.ts';
import { en } from '../../src/dashboard/words/en.ts';
import { parkHostile, settled } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

const operatorKey = 'a-key-of-the-settings-for-tests';
const secret = `whsec_${Buffer.from('the secret of the payment side').toString('base64')}`;

describe.skipIf(!hasBrowser())('the page of a server with keys and signed callbacks', () => {
  const weir = sharePage(
    {
      WEIR_RESOURCE_DELAYMS: '4000',
      WEIR_SERVER_HTTP_OPERATORKEYS: operatorKey,
      WEIR_SERVER_HTTP_WEBHOOKSECRETS: secret,
    },
    parkHostile,
  );
  let page: Page;
  /** What the page changed, as `POST /v1/orders/ORD1/cancel 200`. */
  let changes: string[] = [];

  beforeEach(async () => {
    page = await weir.openPage('#/orders');
    await weir.logIn(page);
    changes = [];
    page.removeAllListeners('response');
    page.on('response', (response) => {
      const method = response.request().method();
      if (method !== 'GET')
        changes.push(`${method} ${new URL(response.url()).pathname} ${response.status()}`);
    });
  });

  const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
  const shown = (text: string) => page.locator('.notice.good').getByText(text).first().waitFor();

  async function createOrder(userId: string): Promise<string> {
    const { status, body } = await weir.request('POST', '/v1/orders', { productId: '1001', userId });
    expect(status).toBe(201);
    return body.id;
  }

  async function pay(orderId: string, paymentId: string): Promise<void> {
    const body = JSON.stringify({ orderId, paymentId });
    const headers = { 'content-type': 'application/json', ...signCallback(secret, paymentId, body) };
    const { status } = await weir.request('POST', `/v1/orders/${orderId}/paid`, body, headers);
    expect([200, 201]).toContain(status);
  }

  test('a refund is marked as made with a reason, which the timeline keeps', async () => {
    const id = await createOrder('51');
    await weir.request('POST', `/v1/orders/${id}/cancel`);
    await pay(id, 'PAY51');
    await page.goto(`${weir.url}/#/orders/${id}`);
    await press(en['order.refunded']);
    const dialog = page.getByRole('dialog');
    await dialog.getByText(en['order.refundedWarning']).waitFor();
    await page.keyboard.press('Escape');
    expect(changes).toEqual([]);
    await press(en['order.refunded']);
    await dialog.getByRole('button', { name: en['order.refunded'] }).click();
    // Not without a reason.
    expect(await dialog.isVisible()).toBe(true);
    await dialog.getByLabel(en['order.refundedWhy']).fill('re_77 at the payer');
    await page.keyboard.press('Enter');
    await shown(en['order.markedRefunded']);
    await page.locator('p.state').getByText(en['state.REFUNDED'], { exact: true }).waitFor();
    await page.locator('.timeline').getByText('re_77 at the payer').waitFor();
    expect(changes).toEqual([`POST /v1/orders/${id}/mark-refunded 200`]);
  });

  test('each of two open refunds of an order is marked by its own payment', async () => {
    const id = await createOrder('52');
    await pay(id, 'FIRST52');
    await pay(id, 'SECOND52');
    await pay(id, 'THIRD52');
    await page.goto(`${weir.url}/#/orders/${id}`);
    for (const paymentId of ['THIRD52', 'SECOND52']) {
      await press(en['order.refunded']);
      const dialog = page.getByRole('dialog');
      const choice = dialog.getByLabel(en['order.payment']);
      if (paymentId === 'THIRD52') await choice.selectOption(paymentId);
      else expect(await choice.count()).toBe(0);
      await dialog.getByLabel(en['order.refundedWhy']).fill(`of ${paymentId}`);
      await dialog.getByRole('button', { name: en['order.refunded'] }).click();
      await page.locator('.timeline').getByText(`of ${paymentId}`).waitFor();
      const { payments } = (await weir.request('GET', `/v1/orders/${id}`)).body;
      const open = payments.filter((each: { refundedAt: unknown; outcome: string }) => {
        return each.outcome === 'REFUND' && each.refundedAt === null;
      });
      expect(open).toHaveLength(paymentId === 'THIRD52' ? 1 : 0);
    }
    await page.locator('#refunded').waitFor({ state: 'detached' });
  });

  test('every button uses a route for operators, and none ends the session', async () => {
    const routes = await readRoutes();
    await weir.giveGift('53', 'PROTECTED1');
    const pending = await createOrder('53');
    await page.goto(`${weir.url}/#/orders/${pending}`);
    await press(en['order.cancel']);
    await shown(en['order.cancelled']);

    const order = await createOrder('54');
    await pay(order, 'PAY54');
    const { instanceId } = (await weir.request('GET', `/v1/orders/${order}`)).body;
    await page.goto(`${weir.url}/#/instances/${instanceId}`);
    await press(en['instance.retry']);
    await shown(en['instance.retried']);
    await weir.request('POST', `/v1/instances/${instanceId}/result`, { status: 'FAILED' });
    await page.reload();
    await press(en['instance.release']);
    await shown(en['instance.released']);
    await press(en['instance.refund']);
    await shown(en['instance.refundRequested']);
    await press(en['order.refunded']);
    await page.getByRole('dialog').getByLabel(en['order.refundedWhy']).fill('re_54');
    await page.keyboard.press('Enter');
    await page.locator('.timeline').getByText(en['step.REFUNDED']).waitFor();

    await page.goto(`${weir.url}/#/audit`);
    await press(en['audit.full']);
    await page.goto(`${weir.url}/#/parked/1`);
    await press(en['parked.replay']);
    await page.locator('.notice.warn').waitFor();
    await pressRefunds();
    await pressProducts();
    await pressSales();
    await pressBulk();
    await tryEverything();
    const lost = changes.filter((change) => !/ 20\d$/.test(change));
    expect(lost).toEqual([]);
    expect(changes.length).toBeGreaterThan(25);
    for (const change of changes) {
      const [method = '', path = ''] = change.split(' ');
      const route = routes.find((each) => each.method === method && each.pattern.test(path));
      expect({ change, scope: route?.scope }).toEqual({
        change,
        scope: expect.stringMatching(/^(act|admin)$/),
      });
    }
    await page.getByRole('button', { name: en['login.out'] }).waitFor();
  });

  const dialogButton = (name: string) => page.getByRole('dialog').getByRole('button', { name }).click();

  /** An order that Weir does not have, paid twice. */
  async function pressRefunds(): Promise<void> {
    for (const paymentId of ['PAY55', 'PAY56']) {
      const body = JSON.stringify({ orderId: 'ELSEWHERE', paymentId, productId: '1001', userId: '55' });
      const headers = { 'content-type': 'application/json', ...signCallback(secret, paymentId, body) };
      await weir.request('POST', '/v1/orders/ELSEWHERE/paid', body, headers);
    }
    await page.goto(`${weir.url}/#/refunds?orderId=ELSEWHERE`);
    await page.getByRole('button', { name: `${en['refund.again']}, ELSEWHERE` }).click();
    await shown(en['instance.refundRequested']);
    await page.getByRole('button', { name: `${en['order.refunded']}, ELSEWHERE` }).click();
    await page.getByRole('dialog').getByLabel(en['order.refundedWhy']).fill('re_56');
    await page.keyboard.press('Enter');
    await shown(en['order.markedRefunded']);
    await page.getByText(en['refunds.none']).waitFor();
  }

  async function pressProducts(): Promise<void> {
    await page.goto(`${weir.url}/#/products?create=7001`);
    const form = page
      .locator('form')
      .filter({ has: page.getByRole('button', { name: en['product.create'] }) });
    await form.getByLabel(en['product.name']).fill('Protected');
    await form.getByRole('button').click();
    const row = page.getByRole('row').filter({ hasText: '7001 · Protected' });
    await row.getByRole('button', { name: en['product.disable'] }).click();
    await dialogButton(en['product.disable']);
    await row.getByRole('button', { name: en['product.enable'] }).click();
    await row.getByRole('button', { name: en['product.disable'] }).waitFor();
  }

  async function pressSales(): Promise<void> {
    await page.goto(`${weir.url}/#/sales`);
    await page.locator('[name="productId"]').fill('7001');
    await press(en['sale.open']);
    const card = page.locator('.sale').filter({ hasText: '7001' });
    const pressOne = (name: string) => card.getByRole('button', { name }).click();
    const say = (text: string) => card.locator('.notice.good').getByText(text).waitFor();
    await pressOne(en['sale.pause']);
    await say(en['sale.paused']);
    await pressOne(en['sale.resume']);
    await say(en['sale.resumed']);
    await pressOne(en['sale.add']);
    await dialogButton(en['sale.add']);
    await say(en['sale.added'].replace('{count}', '10'));
    await pressOne(en['sale.end']);
    await dialogButton(en['sale.end']);
    await card.getByText(en['state.ENDED'], { exact: true }).waitFor();
  }

  /** The second and third item; the first one and the job over all that is left come after. */
  async function pressBulk(): Promise<void> {
    await page.goto(`${weir.url}/#/parked`);
    await page.getByLabel(en['parked.selectOne'].replace('{id}', '2')).check();
    await press(en['parked.replaySelected']);
    await page.locator('.notice.warn').getByText('#2').waitFor();
    await press(en['parked.discardSelected']);
    await page.getByRole('dialog').getByLabel(en['instance.reason']).fill('a test');
    await dialogButton(en['parked.discard']);
    await page.getByRole('link', { name: '#2', exact: true }).waitFor({ state: 'detached' });
    for (const [action, label] of [
      ['replay', en['job.note']],
      ['discard', en['instance.reason']],
    ] as const) {
      await page.goto(`${weir.url}/#/parked`);
      await page.locator(`#${action}-all`).click();
      await page.getByRole('dialog').getByLabel('Type 2 to confirm').fill('2');
      await page.getByRole('dialog').getByLabel(label).fill('a test');
      await page.keyboard.press('Enter');
      await page.locator('p.state').getByText(en['state.DONE'], { exact: true }).waitFor(settled);
    }
  }

  async function tryEverything(): Promise<void> {
    await page.getByRole('link', { name: en['try.title'] }).click();
    const lines = page.locator('.log li');
    let count = 0;
    for (const id of ['buy', 'order', 'gift', 'many', 'fail', 'park', 'create', 'replay-parked']) {
      await page.locator(`#${id}`).click();
      await lines.nth(count++).waitFor();
      await page.locator(`#${id}:not([aria-disabled])`).waitFor(settled);
    }
    expect(await page.locator('.notice.bad').count()).toBe(0);
  }

  async function readRoutes() {
    const { paths } = (await weir.request('GET', '/openapi.json')).body;
    type Operations = Record<string, { 'x-weir-scope': string }>;
    return Object.entries(paths as Record<string, Operations>).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) => ({
        method: method.toUpperCase(),
        pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
        scope: operation['x-weir-scope'],
      })),
    );
  }
});
