import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import type { Database } from '../../src/lib/sql.ts';
import { pollUntil } from '../support/poll-until.ts';
import { axeSource, settled } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

const items = 60;
const stream = 'stream:seckill:8001';

/** Items of a product that is missing, and a job that another process holds and does not go on with. */
async function seed(database: Database): Promise<void> {
  await database.query(
    `INSERT INTO parked (origin, reason, detail, params, source, scope, source_id, original)
     SELECT 'STREAM', 'PRODUCT_NOT_FOUND', 'there is no product 8001', '{"productId": "8001"}', 'SECKILL', $2, n || '-0',
       convert_to('["uid","' || n || '"]', 'UTF8') FROM generate_series(1, $1::int) AS n`,
    [items, stream],
  );
  await database.query(
    `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
     SELECT 'DEAD_LETTER', 'QUEUE_FULL', 'a test', '', '', 'M' || n, '' FROM generate_series(1, 9) AS n`,
  );
  await database.query(
    `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
     SELECT 'RESULT', 'RESULT_INVALID', 'a test', '', '', 'R' || n, '' FROM generate_series(1, 3) AS n`,
  );
  await database.query(
    `INSERT INTO parked_jobs (action, filter, note, last_item, actor, via, matched, done, failed, after_item, leased_until)
     VALUES ('discard', '{"reason": "QUEUE_FULL"}', 'held', 100, 'on-call', 'http', 12, 3, 0, 3, 'infinity')`,
  );
}

describe.skipIf(!hasBrowser())('jobs over parked items', () => {
  const weir = sharePage(
    { WEIR_RESOURCE_DELAYMS: '200', WEIR_SERVER_HTTP_OPERATORKEYS: 'a-key-of-the-settings-for-tests' },
    seed,
  );

  async function openParked(query: string): Promise<Page> {
    const page = await weir.openPage(`#/parked${query}`);
    await weir.logIn(page);
    await page.getByRole('heading', { level: 1, name: en['parked.title'] }).waitFor();
    return page;
  }

  async function expectAccessible(page: Page): Promise<void> {
    await page.evaluate(axeSource);
    const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
      'axe.run({ resultTypes: ["violations"] }).then(({ violations }) => violations)',
    );
    expect(violations.map(({ id, nodes }) => `${id} ${nodes[0]?.html}`)).toEqual([]);
  }

  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
  const dialogOf = (page: Page) => page.getByRole('dialog');
  const isDone = (page: Page) => page.locator('p.state').getByText(en['state.DONE']).waitFor(settled);

  test('all items of a group are replayed when confirmed; what stays has its reason', async () => {
    const page = await openParked('');
    await page
      .locator('#total')
      .getByText(`${items + 12} in all`)
      .waitFor();
    await page.getByRole('table', { name: en['parked.groups'] }).getByText('PRODUCT_NOT_FOUND').click();
    await button(page, `Replay all matching (${items})`).click();
    const dialog = dialogOf(page);
    await dialog.getByText(`Replay ${items} items?`).waitFor();
    await dialog.getByText('Reason: PRODUCT_NOT_FOUND').waitFor();
    await dialog.getByText(en['job.scope']).waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await page.locator('#replay-all').focus();
    await page.keyboard.press('Enter');
    await dialog.getByLabel(en['job.note']).fill('too early');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/parked\/jobs\/\d+$/);
    await isDone(page);
    await page.locator('p.state').getByText(`Still parked: ${items}.`).waitFor();
    await page.getByText('too early').waitFor();
    expect(await page.getByRole('progressbar').getAttribute('value')).toBe(String(items));
    await expectAccessible(page);

    const rows = page.getByRole('table', { name: en['job.results'] }).getByRole('rowheader');
    await rows.nth(49).waitFor();
    expect(await rows.count()).toBe(50);
    await page.getByRole('link', { name: en['pager.next'] }).click();
    await rows.nth(9).waitFor();
    await pollUntil('the second page', 10_000, async () => expect(await rows.count()).toBe(items - 50));
    await rows.first().getByRole('link').click();
    await page.getByRole('heading', { level: 1, name: /^Parked item #\d+$/ }).waitFor();

    const product = { id: '8001', name: 'Late', cpus: 1, memoryMb: 1024, image: 'ubuntu' };
    expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
    await page.goto(`${weir.url}/#/parked?scope=${stream}`);
    await button(page, `Replay all matching (${items})`).click();
    await dialog.getByRole('button', { name: `Replay all matching (${items})` }).click();
    await isDone(page);
    await page.locator('p.state').getByText(`Resolved: ${items}.`).waitFor();
    await page.goto(`${weir.url}/#/parked/1`);
    const changes = page.getByRole('region', { name: en['activity.ofThis'] });
    await changes.getByText(en['did.PARKED_JOB_REPLAYED']).waitFor();
    await changes.getByText(`1-${items}`).waitFor();
    await changes.getByRole('link', { name: '3', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: 'Job 3' }).waitFor();
    await page.goto(`${weir.url}/#/parked?scope=${stream}`);
    await page.getByText(en['parked.noneMatches']).first().waitFor();
    expect(await page.locator('#replay-all').count()).toBe(0);
  });

  test('a discard of a filter needs a reason; a second job finds nothing left', async () => {
    const page = await openParked('?reason=QUEUE_FULL');
    await button(page, 'Discard all matching (9)').click();
    const dialog = dialogOf(page);
    await dialog.getByText(en['parked.discardManyWarning']).waitFor();
    await dialog.getByRole('button', { name: 'Discard all matching (9)' }).click();
    // Not without a reason.
    expect(await dialog.isVisible()).toBe(true);
    await dialog.getByLabel(en['instance.reason']).fill('the messages are too old');
    // Another operator is faster.
    const { body } = await weir.request('POST', '/v1/parked/jobs', {
      ...{ action: 'discard', filter: { reason: 'QUEUE_FULL' }, note: 'faster' },
    });
    await pollUntil('the other job to end', 20_000, async () =>
      expect((await weir.request('GET', `/v1/parked/jobs/${body.id}`)).body.state).toBe('DONE'),
    );
    await page.keyboard.press('Enter');
    await page.locator('.notice.warn').getByText(en['job.matchedNothing']).waitFor();
    await page.getByText(en['parked.noneMatches']).first().waitFor();
    const latest = page.getByRole('region', { name: en['jobs.latest'] }).first();
    await latest.getByRole('link', { name: `Job ${body.id}`, exact: true }).click();
    await page.locator('p.state').getByText('Resolved: 9.').waitFor();
    await page.getByRole('link', { name: en['jobs.title'], exact: true }).click();
    await page.getByRole('heading', { level: 1, name: en['jobs.title'] }).waitFor();
    await page.getByLabel(en['instance.status']).selectOption('RUNNING');
    await page.getByRole('button', { name: en['action.search'] }).click();
    await page.waitForURL('**/#/parked/jobs?state=RUNNING');
    await page.getByRole('link', { name: 'Job 1', exact: true }).waitFor();
    await expectAccessible(page);
  });

  test('all that is parked is replayed once its number was typed', async () => {
    const page = await openParked('');
    const all = 'Replay all matching (3)';
    await button(page, all).click();
    const dialog = dialogOf(page);
    await dialog.getByText(en['job.everything']).waitFor();
    const number = dialog.getByLabel('Type 3 to confirm');
    for (const wrong of ['', '30']) {
      await number.fill(wrong);
      await dialog.getByRole('button', { name: all }).click();
      expect(await dialog.isVisible()).toBe(true);
    }
    await number.fill('3');
    await expectAccessible(page);
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/parked\/jobs\/\d+$/);
    await isDone(page);
    await page.locator('p.state').getByText('Still parked: 3.').waitFor();
  });

  test('a job is followed over reload, outage and a session that ends, and aborted', async () => {
    const page = await openParked('');
    onTestFinished(() => page.unrouteAll());
    await page.goto(`${weir.url}/#/parked/jobs/1`);
    const handled = page.locator('#handled').getByText('3 of 12');
    await handled.waitFor();
    await page.reload();
    await handled.waitFor();

    let refused = 0;
    await page.route('**/v1/parked/jobs/1', (route) => {
      refused++;
      return route.abort();
    });
    await page.locator('#main .notice.bad').getByText(en['problem.unreachable']).waitFor();
    await page.unroute('**/v1/parked/jobs/1');
    expect(refused).toBeGreaterThan(0);
    await page.locator('#main .notice.bad').waitFor({ state: 'detached' });
    await handled.waitFor();

    await page.context().clearCookies();
    await page.getByRole('heading', { level: 1, name: en['login.title'] }).waitFor();
    await weir.logIn(page);
    await handled.waitFor();
    expect(page.url()).toMatch(/#\/parked\/jobs\/1$/);
    await button(page, en['job.abort']).click();
    await page.locator('p.state').getByText(en['state.ABORTED']).waitFor();
    await page.getByText(en['job.endedBy']).waitFor();
    expect(await button(page, en['job.abort']).count()).toBe(0);
    await page.locator('h1:focus').waitFor();
    expect((await weir.request('GET', '/v1/parked/jobs/1')).body).toMatchObject({
      ...{ state: 'ABORTED', done: 3, remaining: 9 },
    });
    weir.takeComplaints();
  });

  test('a job that matched nothing says so, and shows no bar as if it had worked', async () => {
    const none = { action: 'discard', filter: { reason: 'UNIT_SOLD_TWICE' }, note: 'none' };
    const { body } = await weir.request('POST', '/v1/parked/jobs', none);
    const page = await openParked('');
    await page.goto(`${weir.url}/#/parked/jobs/${body.id}`);
    await page.locator('p.state').getByText(en['job.matchedNothing']).waitFor();
    expect(await page.getByRole('progressbar').count()).toBe(0);
  });

  test('to replay the selected items is the primary action only where it can succeed', async () => {
    await weir.request('POST', '/v1/orders/no-such-order/paid', {});
    const page = await openParked('');
    const replay = page.locator('#replay-selected');
    const select = (reason: string) =>
      page.getByRole('row').filter({ hasText: reason }).getByRole('checkbox').first().check();
    expect(await replay.getAttribute('class')).toBe('plain');
    await select('RESULT_INVALID');
    expect(await replay.getAttribute('class')).toBe('plain');
    await select('ORDER_NOT_FOUND');
    await page.getByText('Selected: 2').waitFor();
    expect(await replay.getAttribute('class')).toBe('primary');
  });
});
