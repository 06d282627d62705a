import { describe, expect, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import { parkHostile } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

describe.skipIf(!hasBrowser())('the login', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '1500' }, parkHostile);

  test('the page asks for a key, hides it from scripts, and names the scope of a button', async () => {
    const { status, body } = await weir.request('POST', '/v1/keys', { name: 'night-watch', scope: 'read' });
    expect(status).toBe(201);
    const page = await weir.openPage('#/parked');
    await page.getByRole('heading', { level: 1, name: en['login.title'] }).waitFor();
    await page.getByLabel(en['login.key'], { exact: true }).fill('wrong');
    await page.getByRole('button', { name: en['login.submit'] }).click();
    await page.locator('.notice.warn').getByText(en['login.unknown']).waitFor();
    await page.getByLabel(en['login.key'], { exact: true }).fill(body.key);
    await page.getByRole('button', { name: en['login.submit'] }).click();
    await page.getByText('night-watch (read)').waitFor();
    await page.getByRole('link', { name: '#3' }).waitFor();
    const replay = page.getByRole('button', { name: en['parked.replaySelected'] });
    expect(await replay.isDisabled()).toBe(true);
    expect(await replay.getAttribute('title')).toMatch(/scope “act”/);
    await page.goto(`${weir.url}/#/parked/3`);
    await page.locator('#replay-for').waitFor();
    expect(await page.locator('#replay-for').isDisabled()).toBe(true);
    expect(await page.locator('#replay-for').getAttribute('title')).toMatch(/scope “act”/);
    const readable = 'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])';
    expect(await page.evaluate(readable)).not.toContain(body.key.slice(-8));
    await page.reload();
    await page.getByRole('button', { name: en['login.out'] }).click();
    await page.getByRole('heading', { level: 1, name: en['login.title'] }).waitFor();
    expect(await page.getByRole('button', { name: en['login.out'] }).count()).toBe(0);
    const complaints = weir.takeComplaints();
    expect(complaints.length).toBeGreaterThan(1);
    expect(complaints.filter((complaint) => !complaint.includes('401'))).toEqual([]);
  });
});
