import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import { openAddressSwitch } from '../support/address-switch.ts';
import { pollUntil } from '../support/poll-until.ts';
import { axeSource, parkHostile, settled, views } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

describe.skipIf(!hasBrowser())('what is unavailable', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '1500' }, parkHostile);
  const strip = (page: Page) => page.locator('#status');

  test('every view names an unavailable store and shows no stale value as current', async () => {
    const error = `not connected: ${'x'.repeat(120)} refused`;
    const rest = {
      code: 'STORE_UNAVAILABLE',
      detail: 'the database does not answer',
      waiting: [{ what: 'stream', count: 7, oldestAt: null }],
      stores: [
        {
          name: 'database',
          kind: 'PostgreSQL',
          ok: false,
          why: { code: 'STORE_ERROR', params: { error } },
        },
        { name: 'streams', kind: 'Redis', ok: true, why: null },
      ],
    };
    const refusal = { status: 503, contentType: 'application/problem+json', body: JSON.stringify(rest) };
    const page = await weir.openPage('#/audit');
    onTestFinished(() => page.unrouteAll());
    let asked = 0;
    await page.route('**/v1/now?*', (route) => (++asked === 1 ? route.continue() : route.fulfill(refusal)));
    await page.route('**/v1/now/stream', async (route) => {
      const body = `event: problem\ndata: ${JSON.stringify(rest)}\n\n`;
      await route.fulfill({ contentType: 'text/event-stream', body });
    });
    // Opened while the server cannot answer yet, the page retries.
    await page.route('**/v1/session', (route) => route.fulfill(refusal));
    await page.reload();
    await page.getByText(rest.detail).first().waitFor();
    await page.unroute('**/v1/session');
    await page.getByRole('heading', { level: 1, name: en['audit.title'] }).waitFor();
    const textOf = async (name: string) =>
      (await page.getByRole('region', { name }).innerText()).replaceAll(/\s+/g, ' ');
    await page.getByRole('link', { name: en['now.title'] }).click();
    for (const answer of ['an event', 'a 503']) {
      await pollUntil(`what ${answer} says`, 10_000, async () => {
        expect(asked).toBeGreaterThan(answer === 'a 503' ? 1 : 0);
        expect(await textOf(en['now.stores'])).toMatch(
          /Database PostgreSQL Unavailable .* refused Streams Redis Works$/,
        );
        expect(await textOf(en['now.waiting'])).toMatch(
          /On the streams 7 – In the outbox – – At the Resource Domain – – Overdue – – Parked – – Refunds open – –$/,
        );
      });
    }
    expect(await page.locator('.tile .value').allTextContents()).toEqual(Array(7).fill('–'));
    const excess = `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(
      document.querySelector('[aria-label="${en['now.stores']}"]'))`;
    expect(await page.evaluate(excess)).toBe(0);
    await page.evaluate(axeSource);
    for (const view of views) {
      await page.goto(`${weir.url}/#/${view}`);
      await page.locator(`.view.${view}`).waitFor();
      expect(await strip(page).innerText()).toBe(`Database unavailable (PostgreSQL): ${error}`);
    }
    const header = 'axe.run("header").then(({ violations }) => violations)';
    expect(await page.evaluate(header)).toEqual([]);
    expect(await page.locator('.strip-region').getAttribute('aria-live')).toBe('polite');
    await page.unrouteAll();
    await strip(page).getByRole('listitem').waitFor({ state: 'detached' });
    expect(weir.takeComplaints().filter((each) => !/503/.test(each))).toEqual([]);
  });

  test('a view that cannot be shown says so under its own title, and what to do', async () => {
    const page = await weir.openPage('#/now');
    await page.route('**/v1/products?*', async (route) => {
      // Longer than the page waits for a view before it shows it.
      await delay(600);
      await route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        body: JSON.stringify({
          code: 'STORE_UNAVAILABLE',
          detail: 'the database does not answer',
          advice: 'Look at /readyz.',
        }),
      });
    });
    await page.getByRole('link', { name: en['try.title'] }).click();
    const main = page.locator('#main');
    await main.getByText('the database does not answer').waitFor();
    await main.getByText('Look at /readyz.').waitFor();
    await page.getByRole('heading', { level: 1, name: en['try.title'] }).waitFor();
    await page.unroute('**/v1/products?*');

    await page.route('**/trend.js', (route) => route.abort());
    await page.reload();
    await page.getByRole('link', { name: en['trend.title'] }).click();
    await page.getByRole('heading', { level: 1, name: en['trend.title'] }).waitFor();
    await main.locator('.notice.bad').waitFor();
    expect(await page.title()).toBe(`${en['trend.title']} · Weir`);
    expect(await main.getByText(en['try.buyTitle']).count()).toBe(0);
    await page.unroute('**/trend.js');
    await main.getByRole('button', { name: en['problem.reload'] }).click();
    await page.getByRole('combobox', { name: en['trend.step'] }).waitFor();
    expect(page.url()).toMatch(/#\/trend$/);
    await page.goto(`${weir.url}/#/trend?from=2031-01-02T00:00:00Z&to=2031-01-01T00:00:00Z`);
    await main.locator('.notice.bad').waitFor();
    expect(await main.locator('figure, table').filter({ visible: true }).count()).toBe(0);
    await page.goto(`${weir.url}/#/instances/999`);
    await main.getByText(/^there is no instance 999/).waitFor();
    expect(await main.getByText(en['instance.timeline']).isVisible()).toBe(false);
    await page.goto(`${weir.url}/#/nothing`);
    await page.getByRole('heading', { level: 1, name: en['missing.title'] }).waitFor();
    await page.locator('#to-now').click();
    await page.getByRole('heading', { level: 1, name: en['now.title'] }).waitFor();
    expect(weir.takeComplaints().filter((each) => !/40[04]|503|ERR_FAILED/.test(each))).toEqual([]);
  });

  test('every view shows that Weir cannot be reached, without blinking, until it can', async () => {
    const weirPort = Number(new URL(weir.url).port);
    const address = await openAddressSwitch(weirPort);
    const page = await weir.openPage('');
    for (const view of ['audit', 'now']) {
      await page.goto(`http://127.0.0.1:${address.port}/#/${view}`);
      await page.locator(`.view.${view} h1`).waitFor();
      address.leadTo(1);
      address.cut();
      await strip(page).getByText(en['strip.unreachable']).waitFor();
      await page.getByText(en['shell.reconnecting']).waitFor();
      expect(await page.evaluate('document.getAnimations().length')).toBe(0);
      address.leadTo(weirPort);
      await strip(page).getByText(en['strip.unreachable']).waitFor({ state: 'detached' });
      await page.getByText(en['shell.live']).waitFor(settled);
    }
    await weir.giveGift('78', 'AGAIN1');
    await page.getByRole('region', { name: en['now.bySource'] }).getByText('ACTIVITY').waitFor(settled);
    expect(weir.takeComplaints().join()).toMatch(/ERR_/);
    await page.goto('about:blank');
    weir.takeComplaints();
  });
});
