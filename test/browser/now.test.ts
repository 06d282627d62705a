import { describe, expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import { pollUntil } from '../support/poll-until.ts';
import { parkHostile } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

describe.skipIf(!hasBrowser())('the view of now', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '1500' }, parkHostile);

  test('what is bought appears by itself in the figures, the charts and their tables', async () => {
    const page = await weir.openPage('#/now');
    for (let n = 0; n < 3; n++) await weir.giveGift('77', `LIVE${n}`);
    const vip = { source: 'VIP', sourceId: 'LIVE1', productId: '1001', userId: '77' };
    const { body } = await weir.request('POST', '/v1/instances', vip);
    await weir.request('POST', `/v1/instances/${body.instanceId}/result`, { status: 'FAILED' });
    const countsOf = async (source: string) => {
      const region = page.getByRole('region', { name: en['now.bySource'] });
      const row = region.getByRole('row', { name: new RegExp(`^${source}`) });
      return (await row.getByRole('cell').allTextContents()).join(' ');
    };
    await pollUntil('three gifts that succeeded and one VIP that failed', 20_000, async () => {
      expect(await countsOf('ACTIVITY')).toBe('3 3 0 100.0%');
      expect(await countsOf('VIP')).toBe('1 0 1 0.0%');
    });
    const results = page.locator('figure').filter({ hasText: en['now.resultsBySource'] });
    await results.locator('canvas').waitFor();
    expect(await results.getByRole('img').getAttribute('aria-label')).toMatch(/ACTIVITY 3, .*Failed [1-9]/);
    const chart = page.locator('figure').filter({ hasText: en['now.purchasesBySource'] });
    expect(await chart.locator('canvas').count()).toBe(1);
    expect(await chart.getByRole('img').getAttribute('aria-label')).toMatch(/ACTIVITY 3/);
    await chart.getByText(en['chart.table']).click();
    const rows = chart.getByRole('table').getByRole('row');
    await rows.nth(30).waitFor();
    expect(await rows.count()).toBe(31);
    expect(await page.getByRole('region', { name: en['now.stores'] }).innerText()).toMatch(
      /Database\s+Embedded\s+Works/,
    );
    await page.getByRole('link', { name: en['now.auditDetails'] }).click();
    await page.locator('.state').getByText(en['audit.holds']).waitFor();
    const underWay = await page.locator('.facts').innerText();
    for (const key of Object.keys(en)) {
      if (key.startsWith('underWay.')) expect(underWay).toContain(en[key as keyof typeof en]);
    }
    await page.goto(`${weir.url}/#/trend`);
    const trend = page.locator('figure').filter({ hasText: en['trend.bySource'] });
    await trend.locator('.moment').getByText(en['chart.total']).waitFor();
    expect(await trend.locator('.legend').innerText()).toMatch(/ACTIVITY\s*3\b/);
    const step = page.getByLabel(en['trend.step']).locator('option:checked');
    expect(await step.textContent()).toBe(en['step.auto']);
  });

  test('the backlog and the stores come before tiles and charts, in the document as well', async () => {
    const page = await weir.openPage('#/now');
    await page.locator('.charts canvas').first().waitFor();
    const order =
      "[...document.querySelector('.view').children].map(({ className }) => className.split(' ')[0])";
    expect((await page.evaluate<string[]>(order)).slice(-4)).toEqual(['panels', 'tiles', 'charts', 'panels']);
    const first = page.locator('.panels').first();
    await first.getByRole('region', { name: en['now.waiting'] }).waitFor();
    await first.getByRole('region', { name: en['now.stores'] }).waitFor();
  });
});
