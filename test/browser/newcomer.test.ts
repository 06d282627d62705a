import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import { parkHostile, settled } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

describe.skipIf(!hasBrowser())('the way of a newcomer', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '4000' }, parkHostile);
  const logOf = (page: Page, text: string) => page.locator('.log li').filter({ hasText: text }).first();

  test('a newcomer buys, sees a success and a failure, and replays a parked item', async () => {
    const page = await weir.openPage('');
    await page.getByRole('link', { name: en['try.title'] }).click();
    await page.getByRole('button', { name: en['try.buy'] }).click();
    const bought = logOf(page, 'Bought');
    await bought.getByRole('link').waitFor(settled);
    await page.getByRole('button', { name: en['try.fail'] }).click();
    const failed = logOf(page, en['state.FAILED']);
    await page.getByRole('button', { name: en['try.park'] }).click();
    await logOf(page, 'A winner of product').getByText(en['state.PARKED']).waitFor(settled);
    await page.getByRole('button', { name: en['try.create'] }).click();
    await logOf(page, 'created').getByText(en['try.nowReplay']).waitFor();
    const parked = await logOf(page, 'A winner of product').getByRole('link').getAttribute('href');
    await page.locator('.log').getByText(en['state.SUCCESS']).first().waitFor(settled);
    await failed.getByText(en['back.RESTOCKED']).waitFor(settled);
    await failed.getByRole('link').click();
    await page.locator('#restocked').getByText(en['back.RESTOCKED']).waitFor();
    // Neither a contradicting result nor a release: the Resource Domain itself has failed it.
    const steps = await page.locator('.timeline strong').allTextContents();
    const story = [
      'Bought',
      'Created',
      'Published',
      'Answered',
      'Settled',
      'Unit to be restocked',
      'Unit restocked',
    ];
    expect([...steps].sort()).toEqual([...story].sort());
    await page.locator('.step.settled.bad').waitFor();
    expect(await page.locator('.zone').textContent()).toMatch(/^Times in UTC[+-]\d/);
    for (const time of await page.locator('.timeline time').all()) {
      const at = await time.getAttribute('datetime');
      const exact = new RegExp(`\\.${at?.slice(-4, -1)}( |$)`);
      expect(await time.textContent()).toMatch(exact);
      expect(await time.getAttribute('title')).toMatch(/\.\d{3}( [AP]M)? UTC.* = .*\.\d{3} UTC$/);
    }

    await page.goto(`${weir.url}/${parked}`);
    // By its id: the previous view has a replay button as well.
    await page.locator('#replay').click();
    await page.locator('#its-instance').first().click();
    await page.locator('.state').getByText(en['state.SUCCESS']).waitFor(settled);
  });

  test('everything can be reached and done with the keyboard alone', async () => {
    const page = await weir.openPage('#/now');
    const active = () =>
      page.evaluate<string>('document.activeElement.id || document.activeElement.textContent');
    await page.keyboard.press('Tab');
    expect(await active()).toBe(en['shell.skip']);
    await page.keyboard.press('Enter');
    expect(await active()).toBe('main');
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 60; presses++) {
        if ((await active()) === name) return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`60 times Tab does not reach ${name}, but ${await active()}`);
    };
    await tabTo(en['try.title']);
    const outline = 'getComputedStyle(document.activeElement).outlineStyle';
    expect(await page.evaluate(outline)).toBe('solid');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: en['try.title'] }).waitFor();
    expect(await active()).toBe(en['try.title']);
    await tabTo('gift');
    await page.keyboard.press('Enter');
    await logOf(page, 'Gift').getByRole('link').waitFor();
    expect(await active()).toBe('gift');
  });
});
