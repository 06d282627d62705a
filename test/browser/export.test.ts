import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { en } from '../../src/dashboard/words/en.ts';
import { sendRaw } from '../journey/share-weir.ts';
import { parkHostile } from './page-fixtures.ts';
import { hasBrowser, sharePage } from './share-page.ts';

const operatorKey = 'a-key-of-the-settings-for-tests';
const prefix = '/ops/weir';

/** Takes the prefix off each path, as a proxy of a shop does that keeps several programs behind one name. */
async function startPrefixProxy(target: string): Promise<string> {
  const server = createServer((request, response) => {
    const isOurs = request.url?.startsWith(`${prefix}/`);
    if (!isOurs) return response.writeHead(404).end();
    const url = new URL(request.url?.slice(prefix.length) ?? '/', target);
    const passed = httpRequest(url, { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
    request.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`;
}

describe.skipIf(!hasBrowser())('exports of lists', () => {
  const weir = sharePage(
    { WEIR_RESOURCE_DELAYMS: '200', WEIR_SERVER_HTTP_OPERATORKEYS: operatorKey },
    parkHostile,
  );

  async function download(page: Page, name: string) {
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: `${name}, ${en['export.all']}` }).click(),
    ]);
    return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') };
  }

  test('each list is downloaded with its filters, by a session and behind a path prefix', async () => {
    await weir.giveGift('71', 'EXPORT1');
    await weir.giveGift('72', 'EXPORT2');
    for (const userId of ['71', '72']) {
      expect((await weir.request('POST', '/v1/orders', { productId: '1001', userId })).status).toBe(201);
    }
    for (const paymentId of ['PAY1', 'PAY2']) {
      const body = { productId: '1001', userId: '73', paymentId };
      expect((await weir.request('POST', '/v1/orders/EXPORT3/paid', body)).status).toBeLessThan(300);
    }
    const page = await weir.openPage('');
    const url = await startPrefixProxy(weir.url);
    await page.goto(`${url}/#/orders`);
    await weir.logIn(page);
    const lists = {
      instances: 'userId=71',
      orders: 'userId=72&status=PENDING',
      refunds: 'orderId=EXPORT3',
      parked: 'reason=USER_ID_INVALID&scope=stream%3Aseckill%3A1001',
      activity: 'action=SESSION_OPENED',
    };
    for (const [list, query] of Object.entries(lists)) {
      await page.goto(`${url}/#/${list}?${query}`);
      await page.getByRole('heading', { level: 1, name: en[`${list}.title` as keyof typeof en] }).waitFor();
      for (const [format, name] of Object.entries({ csv: 'CSV', ndjson: 'NDJSON' })) {
        const headers = { authorization: `Bearer ${operatorKey}` };
        const path = `/v1/${list}?${query}&format=${format}`;
        const { status, text } = await sendRaw(weir.url, 'GET', path, headers);
        expect(status, path).toBe(200);
        expect(await download(page, name), path).toEqual({ name: `weir-${list}.${format}`, text });
        expect(text.split('\n').length, path).toBeGreaterThan(1);
      }
    }
    await page.goto(`${url}/#/instances?userId=404`);
    await page.getByText(en['instances.none']).first().waitFor();
    expect(await page.getByText(en['export.all']).count()).toBe(0);
  });
});
