import { describe, expect, test } from 'vitest';
import { openShop } from './open-shop.ts';
import { sendRaw } from './share-weir.ts';

const { weir, createProduct, purchaseBody, buy } = openShop();

describe('the service itself', () => {
  test('the description contains every route that Weir answers', async () => {
    const { status, body } = await weir.request('GET', '/openapi.json');
    expect(status).toBe(200);
    const routes = Object.entries(body.paths as Record<string, object>)
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
      .sort();
    expect(routes).toEqual(
      [
        'POST /v1/products',
        'GET /v1/products',
        'GET /v1/products/{id}',
        'PATCH /v1/products/{id}',
        'POST /v1/orders',
        'GET /v1/orders/{orderId}',
        'POST /v1/orders/{orderId}/paid',
        'POST /v1/orders/{orderId}/cancel',
        'GET /v1/refunds',
        'POST /v1/instances',
        'GET /v1/instances',
        'GET /v1/instances/{id}',
        'GET /v1/stats/sources',
        'GET /v1/stats/trend',
        'GET /v1/now',
        'GET /v1/try',
        'GET /v1/now/stream',
        'GET /v1/parked',
        'GET /v1/orders',
        'GET /v1/parked/groups',
        'POST /v1/parked/jobs',
        'GET /v1/parked/jobs',
        'GET /v1/parked/jobs/{id}',
        'GET /v1/parked/jobs/{id}/results',
        'POST /v1/parked/jobs/{id}/abort',
        'GET /v1/about',
        'GET /v1/activity',
        'GET /v1/parked/{id}',
        'POST /v1/parked/{id}/replay',
        'POST /v1/parked/{id}/discard',
        'POST /v1/parked/replay',
        'POST /v1/parked/discard',
        'GET /v1/audit',
        'POST /v1/audit/accept',
        'POST /v1/sales',
        'GET /v1/sales/{productId}',
        'PATCH /v1/sales/{productId}',
        'GET /v1/sales',
        'POST /v1/sales/{productId}/restock',
        'POST /v1/sales/{productId}/buy',
        'POST /v1/sales/{productId}/tickets',
        'GET /v1/sales/{productId}/ticket',
        'GET /v1/sales/{productId}/tickets/{ticket}',
        'GET /v1/sales/{productId}/purchases/{streamId}',
        'POST /v1/instances/{id}/result',
        'POST /v1/instances/{id}/retry',
        'POST /v1/instances/{id}/release',
        'POST /v1/orders/{orderId}/refunded',
        'POST /v1/orders/{orderId}/mark-refunded',
        'POST /v1/orders/{orderId}/refund-again',
        'POST /v1/keys',
        'GET /v1/keys',
        'DELETE /v1/keys/{id}',
        'POST /v1/session',
        'GET /v1/session',
        'DELETE /v1/session',
        'GET /healthz',
        'GET /metrics',
        'GET /openapi.json',
        'GET /readyz',
      ].sort(),
    );
    // A stream of events has no end to wait for.
    for (const route of routes.filter((each) => !each.endsWith('/stream'))) {
      const [method = '', path = ''] = route.split(' ');
      const answer = await weir.request(
        method,
        path.replace(/\{\w+\}/, '1'),
        method === 'POST' ? {} : undefined,
      );
      expect(answer.body.code, route).not.toBe('NOT_FOUND');
    }
  });

  test('the service reports that it lives, that it is ready, and what it has done', async () => {
    expect(await weir.request('GET', '/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await weir.request('GET', '/readyz')).toMatchObject({
      status: 200,
      body: { status: 'ready', database: 'ok', streams: 'ok', queue: 'ok' },
    });
    const read = async () => {
      const { body } = await weir.request('GET', '/metrics');
      return Number(/^weir_instances_created_total\{source="METRIC"\} (\d+)$/m.exec(body)?.[1] ?? 0);
    };
    const productId = await createProduct();
    expect(await read()).toBe(0);
    const purchase = purchaseBody(productId, { source: 'METRIC' });
    await buy(purchase);
    await buy(purchase);
    expect(await read()).toBe(1);
  });

  test('the service has a page at / that loads nothing from elsewhere', async () => {
    const page = await sendRaw(weir.url, 'GET', '/', {});
    expect(page).toMatchObject({ status: 200, contentType: expect.stringContaining('text/html') });
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.text).not.toMatch(/(src|href)="(https?:)?\/\//);
  });
});
