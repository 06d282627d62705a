import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { forged, hostile, parkHostile, views } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

/** Of the longest length that the API accepts, without a place to break it. */
const longest = `<b>${'W'.repeat(57)}</b>`;
/** What the API accepts as a name: markup, a quote, a template, right-to-left letters. */
const name = `${hostile}'"\`\${1}{{1}}&lt; שלום`;

describe.skipIf(!hasBrowser())('content that was sent to harm', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '60000' }, parkHostile);

  async function send(method: string, path: string, body?: unknown): Promise<Record<string, string>> {
    const answer = await weir.request(method, path, body);
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  }

  /** @returns the addresses of the items that show it */
  async function fillEveryField(): Promise<string[]> {
    await send('POST', '/v1/products', { id: '666', name, cpus: 1, memoryMb: 1, image: longest });
    await send('POST', '/v1/sales', { productId: '666', stock: 2 });
    await send('POST', '/v1/sales/666/buy', { userId: '9223372036854775807' });
    const instanceId = await weir.giveGift('9223372036854775807', longest, '666');
    await send('POST', `/v1/instances/${instanceId}/result`, {
      status: 'FAILED',
      reason: `${hostile} ${forged}`,
    });
    const order = encodeURIComponent(longest);
    await send('POST', `/v1/orders/${order}/paid`, { productId: '666', userId: '7', paymentId: longest });
    await send('POST', '/v1/parked/1/discard', { reason: `${hostile} ${forged}` });
    const { id } = await send('POST', '/v1/orders', { productId: '666', userId: '7' });
    await send('POST', `/v1/orders/${id}/paid`, { paymentId: longest });
    return [`instances/${instanceId}`, 'parked/1', 'parked/3', `instances?q=${order}`, `orders/${id}`];
  }

  async function expectHarmless(page: Page, where: string): Promise<void> {
    expect(await page.locator('main img, main b').count(), where).toBe(0);
    expect(await page.title(), where).not.toBe('1');
    expect(await page.content(), where).not.toMatch(/[\x80-\x9f\u200b\p{Bidi_Control}]/u);
    const excess = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(await page.evaluate(excess), where).toBe(0);
  }

  test('markup, forged characters and the longest ids are plain text in every view', async () => {
    const items = await fillEveryField();
    const phone = { width: 360, height: 740 };
    for (const locale of ['en-US', 'zh-CN']) {
      const page = await weir.openPage('#/now', { locale, viewport: phone });
      for (const view of [...views, ...items]) {
        await page.goto(`${weir.url}/#/${view}`);
        await page.locator(`.view.${view.split(/[/?]/)[0]} h1`).waitFor();
        await page.locator('table[aria-busy="true"]').first().waitFor({ state: 'detached' });
        await expectHarmless(page, `${view} in ${locale}`);
      }
    }
  });
});
