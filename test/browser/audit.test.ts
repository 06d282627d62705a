import { describe, expect, onTestFinished, test } from 'vitest';
import { parkHostile } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

const stream = 'stream:seckill:1001';
const restarted = {
  id: stream,
  code: 'STREAM_RESTARTED',
  params: { at: '2026-01-01T00:00:00.000Z', stream },
};
const sum = { expected: 2, actual: 2, difference: 0 };
const sums = [
  { ...sum, name: 'entries', exceptions: [restarted] },
  { ...sum, name: 'restocked', actual: 3, difference: 1, exceptions: [] },
  { ...sum, name: 'orders', exceptions: [] },
];

describe.skipIf(!hasBrowser())('an audit that found differences', () => {
  const weir = sharePage({ WEIR_RESOURCE_DELAYMS: '1500' }, parkHostile);

  test('a sum that names no exception counts as one, and each command has a line', async () => {
    const page = await weir.openPage('#/trend');
    onTestFinished(() => page.unroute('**/v1/audit'));
    const { body } = await weir.request('GET', '/v1/audit');
    await page.route('**/v1/audit', (route) => route.fulfill({ json: { ...body, ok: false, sums } }));
    await page.goto(`${weir.url}/#/audit`);
    await page.locator('.state').getByText('Exceptions: 2').waitFor();
    const commands = page.locator('.exceptions .copy');
    await commands.filter({ hasText: `weir audit --accept ${stream}` }).waitFor();
    const tops = await commands.evaluateAll((found) => found.map((each) => each.getBoundingClientRect().top));
    expect(new Set(tops).size).toBe(2);
  });
});
