import { Agent, request as httpRequest } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findFreePort } from '../../scripts/services/find.mjs';
import { lacksProxy, type ProxyName, startHaproxy, startNginx } from '../support/own-proxy.ts';
import type { OwnServer } from '../support/own-server.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createPostgresDatabase } from '../support/stores.ts';
import { startWeir } from '../support/weir.ts';

const product = { id: '1001', name: 'x', cpus: 1, memoryMb: 1, image: 'x' };
const hostOf = ({ url }: { url: string }) => new URL(url).host;

const start = (databaseUrl: string) =>
  startWeir({
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_SERVER_ROLES: 'http',
    WEIR_SERVER_HTTP_REQUESTSPERMINUTE: '0',
    WEIR_SERVER_HTTP_DRAINMS: '1000',
  });

async function startProxy(name: ProxyName, hosts: readonly string[]): Promise<OwnServer> {
  const port = await findFreePort();
  const proxy = await (name === 'nginx'
    ? startNginx(
        `upstream weir { ${hosts.map((host) => `server ${host};`).join(' ')} keepalive 8; }
         server { listen 127.0.0.1:${port};
           proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
           location / { proxy_pass http://weir; }
           location ~ ^/v1/(instances|orders/[^/]+/(paid|refunded))$ {
             proxy_pass http://weir; proxy_next_upstream error timeout non_idempotent; } }`,
        port,
      )
    : startHaproxy(
        `defaults
           mode http
           timeout connect 1s
           timeout client 10s
           timeout server 10s
         listen weir
           bind 127.0.0.1:${port}
           option httpchk GET /readyz
           ${hosts.map((host, i) => `server weir${i} ${host} check inter 100ms fall 2`).join('\n')}`,
        port,
      ));
  onTestFinished(() => proxy.dispose());
  return proxy;
}

/** Polls and buys without a pause, over kept connections, until it is stopped. */
function startLoad(url: string) {
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const seen = { answered: 0, refused: [] as string[], processes: new Set<string>() };
  let isOver = false;
  let purchases = 0;
  const send = (method: string, path: string, body?: object) =>
    new Promise<void>((resolve) => {
      const headers = { 'content-type': 'application/json' };
      const request = httpRequest(url + path, { method, agent, ...(body && { headers }) }, (response) => {
        const status = response.statusCode ?? 0;
        if (status === 200 || status === 201) seen.answered++;
        else seen.refused.push(`${method} ${status}`);
        const id = response.headers['x-request-id'];
        if (typeof id === 'string') seen.processes.add(id.split('-')[0] ?? '');
        response.resume().on('close', resolve);
      });
      request.on('error', (error) => {
        seen.refused.push(`${method} ${error.message}`);
        resolve();
      });
      request.end(body && JSON.stringify(body));
    });
  const work = async () => {
    while (!isOver) {
      await send('GET', '/v1/products/1001');
      const number = ++purchases;
      await send('POST', '/v1/instances', {
        ...{ source: 'GIFT', sourceId: `G${number}`, productId: '1001', userId: `${number}` },
      });
    }
  };
  const working = Promise.all(Array.from({ length: 6 }, work));
  const stop = async () => {
    isOver = true;
    await working;
  };
  return { seen, stop };
}

describe.each(['nginx', 'haproxy'] as const)('behind %s', (name) => {
  test.skipIf(lacksProxy(name))('a rolling stop of one of two processes refuses no request', async () => {
    const databaseUrl = await createPostgresDatabase();
    const [first, second] = await Promise.all([start(databaseUrl), start(databaseUrl)]);
    expect((await first.request('POST', '/v1/products', product)).status).toBe(201);
    const proxy = await startProxy(name, [hostOf(first), hostOf(second)]);
    const { seen, stop } = startLoad(proxy.url);
    const passed = (count: number) => {
      const wanted = seen.answered + count;
      return pollUntil(`${count} more answers`, 15_000, async () =>
        expect(seen.answered).toBeGreaterThanOrEqual(wanted),
      );
    };
    await passed(100);
    expect(seen.processes.size).toBe(2);
    expect(await first.stop()).toBe(0);
    await passed(100);
    await stop();
    expect(seen.refused).toEqual([]);
  });
});

test.skipIf(lacksProxy('nginx'))('the live view passes nginx with its defaults at once', async () => {
  const weir = await start(await createPostgresDatabase());
  const port = await findFreePort();
  const proxy = await startNginx(
    `server { listen 127.0.0.1:${port}; location / { proxy_pass ${weir.url}; } }`,
    port,
  );
  onTestFinished(() => proxy.dispose());
  const closed = new AbortController();
  onTestFinished(() => closed.abort());
  const response = await fetch(`${proxy.url}/v1/now/stream`, { signal: closed.signal });
  // A buffering nginx would deliver events when they fill a buffer: seven at a time.
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    if (text.includes('event: now')) break;
  }
  expect(text.match(/event: now/g)).toHaveLength(1);
});
