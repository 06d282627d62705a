import { beforeAll, describe, expect, test } from 'vitest';
import { axeSource, parkHostile, views } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

describe.skipIf(!hasBrowser())('the page for everybody', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '1500' }, parkHostile);
  const wide = { colorScheme: 'light', size: { width: 1200, height: 800 } } as const;
  const phone = { colorScheme: 'dark', size: { width: 360, height: 740 } } as const;
  const items: string[] = [];

  beforeAll(async () => {
    const instanceId = await weir.giveGift('42', 'A'.repeat(64));
    const product = {
      ...{ id: '8123456789012345678', name: 'A product of a long name' },
      ...{ cpus: 1, memoryMb: 1, image: 'x' },
    };
    expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
    const orders = [];
    for (const userId of ['42', '9123456789012345678']) {
      orders.push((await weir.request('POST', '/v1/orders', { productId: product.id, userId })).body.id);
    }
    expect((await weir.request('POST', `/v1/orders/${orders[0]}/paid`)).status).toBe(201);
    const job = { action: 'replay', filter: { reason: 'USER_ID_INVALID' }, note: 'x'.repeat(200) };
    expect((await weir.request('POST', '/v1/parked/jobs', job)).status).toBe(202);
    items.push(`instances/${instanceId}`, `orders/${orders[0]}`, 'parked/3', 'parked/jobs', 'parked/jobs/1');
  });

  test.each([
    ['English', 'en-US'],
    ['Chinese', 'zh-CN'],
  ])('every view in %s passes axe and scrolls down only, wide and on a phone', async (_, locale) => {
    const page = await weir.openPage('#/now', { locale });
    await page.evaluate(axeSource);
    for (const view of [...views, ...items]) {
      await page.goto(`${weir.url}/#/${view}`);
      await page.locator(`.view.${view.split('/')[0]} h1`).waitFor();
      await page.locator('table[aria-busy="true"]').first().waitFor({ state: 'detached' });
      for (const { colorScheme, size } of [wide, phone]) {
        const where = `${view}, ${size.width} pixels, ${colorScheme}`;
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize(size);
        const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
          'axe.run({ resultTypes: ["violations"] }).then(({ violations }) => violations)',
        );
        expect(violations.map(({ id, nodes }) => `${where}: ${id} ${nodes[0]?.html}`)).toEqual([]);
        const excess = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
        expect(await page.evaluate(excess), where).toBe(0);
        const wideTables = `[...document.querySelectorAll('.view .scroll')]
          .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).length`;
        expect(await page.evaluate(wideTables), `tables of ${where}`).toBe(0);
      }
    }
  });
});
