import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createWeirClient } from '../../clients/typescript/src/client.ts';
import { hashOfDescription } from '../../scripts/hash-of-description.mjs';
import { shareWeir } from './share-weir.ts';

const weir = shareWeir({ WEIR_DEMO_ENABLED: 'false' });
const schema = new URL('../../clients/typescript/src/schema.ts', import.meta.url);

test('the generated types of the client are those of the API that is served', async () => {
  const { body } = await weir.request('GET', '/openapi.json');
  const [line] = readFileSync(schema, 'utf8').split('\n', 1);
  expect(line, 'run `npm run build && npm run generate:client`').toBe(
    `// openapi.json ${hashOfDescription(body)}`,
  );
});

test('the client creates, reads and lists with the types of the API', async () => {
  const client = createWeirClient({ url: weir.url });
  const product = { id: '7001', name: 'GPU', cpus: 1, memoryMb: 1024, image: 'ubuntu' };
  expect((await client.POST('/v1/products', { body: product })).response.status).toBe(201);
  const purchase = { source: 'ACTIVITY', sourceId: 'C1', productId: '7001', userId: '42' };
  const { data } = await client.POST('/v1/instances', { body: purchase });
  const id = data?.instanceId ?? '';
  const read = await client.GET('/v1/instances/{id}', { params: { path: { id } } });
  expect(read.data).toMatchObject({ instanceId: id, source: 'ACTIVITY', userId: '42' });
  const list = await client.GET('/v1/instances', { params: { query: { sourceId: 'C1', limit: '1' } } });
  expect(list.data?.items.map(({ instanceId }) => instanceId)).toEqual([id]);
});

test('a refusal is the typed problem document of the API', async () => {
  const client = createWeirClient({ url: `${weir.url}/` });
  const { data, error, response } = await client.GET('/v1/orders/{orderId}', {
    params: { path: { orderId: 'unknown' } },
  });
  expect(data).toBeUndefined();
  expect(response.status).toBe(404);
  expect(error?.code).toBe('ORDER_NOT_FOUND');
});

test('the client sends its key, and gives a silent server up after its time limit', async () => {
  let key: string | undefined;
  const silent = createServer(({ headers }) => {
    key = headers.authorization;
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    silent.closeAllConnections();
    silent.close();
  });
  const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const client = createWeirClient({ url, key: 'weir_secret', timeoutMs: 200 });
  await expect(client.GET('/v1/about')).rejects.toThrow(/time/i);
  expect(key).toBe('Bearer weir_secret');
});
