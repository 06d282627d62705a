import { describe, expect, onTestFinished, test } from 'vitest';
import { createLifeQueues } from '../support/life.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { startOwnRedis } from '../support/own-redis.ts';
import type { OwnServer } from '../support/own-server.ts';
import { type RunningWeir, startWeir } from '../support/weir.ts';

type Store = 'redis' | 'postgres';

/** Do not read a store. */
const withoutStores = ['/healthz', '/openapi.json', '/v1/about'];
const product = {
  name: 'GPU',
  cpus: 4,
  memoryMb: 1024,
  gpu: 0,
  image: 'ubuntu',
  priceCents: '100',
  enabled: true,
};

async function openShop() {
  const [redis, postgres] = [await startOwnRedis({ appendonly: false }), await startOwnPostgres()];
  const stores: Record<Store, OwnServer> = { redis, postgres };
  onTestFinished(async () => {
    for (const store of Object.values(stores)) await store.dispose();
  });
  const weir = await startWeir({
    WEIR_DATA_DATABASE_SOURCE: postgres.url,
    WEIR_DATA_REDIS_ADDR: `127.0.0.1:${redis.port}`,
    ...createLifeQueues().env,
  });
  const send = async (method: string, path: string, body?: object) => {
    const answer = await weir.request(method, path, body);
    expect(answer.status, `${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  };
  await send('POST', '/v1/products', { id: '1001', ...product });
  const order = await send('POST', '/v1/orders', { productId: '1001', userId: '7' });
  await send('POST', '/v1/sales', { productId: '1001', stock: 10, perUserLimit: 5 });
  const instance = await send('POST', '/v1/instances', {
    ...{ source: 'GIFT', sourceId: 'G1', productId: '1001', userId: '7' },
  });
  const { parkedId } = await send('POST', '/v1/orders/of-another-shop/paid', {});
  return { weir, stores, requests: await listRequests(weir, { order: order.id, instance, parkedId }) };
}

interface Ids {
  order: string;
  instance: { instanceId: string };
  parkedId: string;
}

/** Every operation of the description that reads, and those that buy, pay, create and resolve. */
async function listRequests(weir: RunningWeir, { order, instance, parkedId }: Ids) {
  const { paths } = (await weir.request('GET', '/openapi.json')).body;
  const ids = {
    orders: order,
    instances: instance.instanceId,
    parked: parkedId,
    sales: '1001',
    products: '1001',
  };
  const idOf = (path: string) => ids[path.split('/')[2] as keyof typeof ids] ?? '1';
  const reads = Object.entries<Record<string, unknown>>(paths)
    .filter(
      ([path, operations]) =>
        'get' in operations && !withoutStores.includes(path) && !path.endsWith('/stream'),
    )
    .map(([path]) => ({ method: 'GET', path: path.replaceAll(/\{\w+\}/g, idOf(path)), body: undefined }));
  const purchase = { source: 'GIFT', sourceId: 'G2', productId: '1001', userId: '8' };
  const writes = Object.entries({
    '/v1/sales/1001/buy': { userId: '9' },
    '/v1/sales/1001/tickets': { userId: '9' },
    '/v1/sales/1001/restock': {},
    '/v1/sales': { productId: '1001', stock: 5 },
    [`/v1/orders/${order}/paid`]: {},
    '/v1/orders': { productId: '1001', userId: '8' },
    '/v1/instances': purchase,
    [`/v1/instances/${instance.instanceId}/retry`]: {},
    [`/v1/instances/${instance.instanceId}/release`]: {},
    [`/v1/orders/${order}/cancel`]: {},
    [`/v1/instances/${instance.instanceId}/result`]: { status: 'SUCCESS' },
    [`/v1/parked/${parkedId}/replay`]: {},
    '/v1/parked/jobs': { action: 'replay', filter: {} },
    '/v1/products': { id: '1002', ...product },
    '/v1/keys': { name: 'a-key', scope: 'read' },
    '/v1/audit/accept': { stream: 'stream:seckill:1001' },
  }).map(([path, body]) => ({ method: 'POST', path, body }));
  return [...reads, ...writes];
}

const breaks: Record<string, [store: Store, break_: (server: OwnServer) => unknown]> = {
  'Redis was killed': ['redis', (server) => server.kill()],
  'Redis is frozen': ['redis', (server) => server.pause()],
  'PostgreSQL was killed': ['postgres', (server) => server.kill()],
  'PostgreSQL is frozen': ['postgres', (server) => server.pause()],
};

describe('requests during an outage', () => {
  test.each(Object.entries(breaks))('no request is answered with 500: %s', async (_, [store, breakIt]) => {
    const { weir, stores, requests } = await openShop();
    expect(requests.length).toBeGreaterThan(40);
    await breakIt(stores[store]);
    const answers = await Promise.all(
      requests.map(async ({ method, path, body }) => {
        const { status, body: answer } = await weir.request(method, path, body);
        return { request: `${method} ${path}`, status, code: answer?.code, detail: answer?.detail };
      }),
    );
    expect(answers.filter(({ status }) => status === 500)).toEqual([]);
    // Otherwise no request has needed the store.
    expect(answers.filter(({ code }) => code === 'STORE_UNAVAILABLE').length).toBeGreaterThan(2);
    expect(weir.lines.filter(({ msg }) => msg === 'request failed')).toEqual([]);
  });
});
