import { describe, expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import { forged, hostile, parkHostile, settled, shownForged } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

describe.skipIf(!hasBrowser())('instances', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '4000' }, parkHostile);

  test('a search stands in the address, and the back button goes back to the one before', async () => {
    const failed = await weir.giveGift('4711', 'BACK1');
    await weir.request('POST', `/v1/instances/${failed}/result`, { status: 'FAILED', reason: hostile });
    await weir.giveGift('4712', 'BACK2');
    const page = await weir.openPage('#/instances');
    const rows = page.getByRole('row').filter({ has: page.getByRole('rowheader') });
    await page.getByLabel(en['instance.status']).selectOption('FAILED');
    await page.getByLabel(en['instance.source']).fill('activity');
    await page.getByRole('button', { name: en['action.search'] }).click();
    await page.waitForURL('**/#/instances?status=FAILED&source=ACTIVITY');
    await rows.getByRole('link', { name: failed }).waitFor();
    await rows.nth(1).waitFor({ state: 'detached' });
    await page.locator('#total').getByText('1 in all').waitFor();
    await page.goBack();
    await rows.nth(1).waitFor();
    await page.locator('#total').getByText('2 in all').waitFor();
    expect(await page.getByLabel(en['instance.status']).inputValue()).toBe('');
  });

  test('an instance that is processing can be republished, and the timeline says so', async () => {
    const page = await weir.openPage('#/instances');
    const id = await weir.giveGift('4713', 'RETRY1');
    await page.goto(`${weir.url}/#/instances/${id}`);
    await page.getByRole('button', { name: en['instance.retry'] }).click();
    await page.locator('.timeline').getByText(en['step.REPUBLISHED']).waitFor();
    await page.locator('.state').getByText(en['state.SUCCESS']).waitFor(settled);
    expect(await page.getByRole('button', { name: en['instance.retry'] }).isVisible()).toBe(false);
  });

  test('the release and the refund of a failed order are requested from its page', async () => {
    const order = (await weir.request('POST', '/v1/orders', { productId: '1001', userId: '4715' })).body;
    const id = (await weir.request('POST', `/v1/orders/${order.id}/paid`)).body.instanceId;
    await weir.request('POST', `/v1/instances/${id}/result`, { status: 'FAILED' });
    const page = await weir.openPage(`#/instances/${id}`);
    await page.getByRole('button', { name: en['instance.refund'] }).click();
    await page.locator('.notice.good').getByText(en['instance.refundRequested']).waitFor();
    await page.getByRole('button', { name: en['instance.release'] }).click();
    await page.locator('.notice.good').getByText(en['instance.released']).waitFor();
    await page.locator('.timeline').getByText(en['step.RELEASE_REQUESTED']).first().waitFor();
    // The steps name the operator, so no record of the activity log is repeated as a step of its own.
    await page.getByRole('link', { name: en['activity.ofThis'] }).waitFor();
    const steps = await page.locator('.timeline strong').allTextContents();
    expect(steps.filter((step) => step === en['did.INSTANCE_RELEASE_REQUESTED'])).toEqual([]);
    expect(steps.filter((step) => step === en['did.INSTANCE_SETTLED'])).toEqual([]);
    expect(await page.locator('#retry').isVisible()).toBe(false);
  });

  test('control characters of a result, an item and a discard are shown as escapes', async () => {
    const id = await weir.giveGift('4714', 'FORGED1');
    await weir.request('POST', `/v1/instances/${id}/result`, { status: 'FAILED', reason: forged });
    const page = await weir.openPage(`#/instances/${id}`);
    await page.locator('.state').getByText(shownForged).waitFor();
    expect(await page.content()).not.toMatch(/[\x80-\x9f\u200b\p{Bidi_Control}]/u);
    await weir.request('POST', '/v1/parked/1/discard', { reason: `nobody to be found ${forged}` });
    await page.goto(`${weir.url}/#/parked/1`);
    await page.locator('dd').getByText(`nobody to be found ${shownForged}`).waitFor();
    expect(await page.content()).not.toMatch(/[\x80-\x9f\u200b\p{Bidi_Control}]/u);
  });
});
