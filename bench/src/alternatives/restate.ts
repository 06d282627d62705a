import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '../weir/free-port.ts';
import type { Alternative } from './alternative.ts';
import { insertRows, type Purchase, rowValues } from './world.ts';

const answersWithinMs = 30_000;

/**
 * https://docs.restate.dev: a handler with one durable step for the row and one for the message, called
 * through the ingress with the entry as its idempotency key (`/send`: accepted when it is on disk). One node,
 * with the default log and store.
 */
export const restate: Alternative = {
  name: 'Restate',
  package: '@restatedev/restate-server',
  tuning: 'one-way sends with idempotency keys over kept connections; two durable steps',
  concurrencies: [32, 128],
  poolSize: 20,
  read: (concurrency) => ({ entries: Math.max(1, concurrency / 8), inFlight: 8 }),
  async start(world) {
    provideWithResolvers();
    const sdk = await import('@restatedev/restate-sdk');
    const service = sdk.service({
      name: 'instances',
      handlers: {
        create: async (context, purchase: Purchase) => {
          const instanceId = await context.run('insert', async () => {
            const { rows } = await world.pool.query<{ instance_id: string }>({
              name: 'row',
              text: `${insertRows} ON CONFLICT (source, source_id) DO UPDATE SET source = excluded.source RETURNING instance_id`,
              values: rowValues(world.order, [purchase]),
            });
            return rows[0]?.instance_id ?? purchase.instanceId;
          });
          await context.run('publish', () => world.publish(world.encode({ ...purchase, instanceId })));
          world.onDone(1);
        },
      },
    });
    const handler = sdk.createEndpointHandler({ services: [service], logger: () => {} });
    const endpoint = createServer(handler).listen(0, '127.0.0.1');
    await once(endpoint, 'listening');
    const { ingress, admin, stop } = await startServer();
    await register(admin, (endpoint.address() as AddressInfo).port);
    const agent = new Agent({ keepAlive: true, maxSockets: world.order.concurrency });
    return {
      accept: async (entries) => {
        await Promise.all(world.number(entries).map((purchase) => send(agent, ingress, purchase)));
      },
      stop: async () => {
        agent.destroy();
        await stop();
      },
    };
  },
};

/** The SDK calls it without declaring that in `engines`; Node has it from version 22. */
function provideWithResolvers(): void {
  if ('withResolvers' in Promise) return;
  Object.defineProperty(Promise, 'withResolvers', {
    value: () => {
      const parts: Record<string, unknown> = {};
      parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
      return parts;
    },
  });
}

async function startServer() {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-restate-'));
  const [ingress, admin, node] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const program = createRequire(import.meta.url).resolve(
    `@restatedev/restate-server-${platform()}-${arch()}/bin/restate-server`,
  );
  const child = spawn(program, ['--no-logo', '--listen-mode', 'tcp', '--base-dir', folder], {
    stdio: 'ignore',
    env: {
      ...process.env,
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
    },
  });
  await once(child, 'spawn');
  // The bench may end this process at any time: the server must not keep running.
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  return { ingress, admin, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL'); // its folder is deleted: nothing needs to be saved
  await ended;
}

async function register(admin: number, port: number): Promise<void> {
  const deadline = performance.now() + answersWithinMs;
  while (true) {
    const reason = await fetch(`http://127.0.0.1:${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri: `http://127.0.0.1:${port}` }),
    }).then(
      async (response) => (response.ok ? undefined : `${response.status} ${await response.text()}`),
      (error: unknown) => String(error),
    );
    if (reason === undefined) return;
    if (performance.now() > deadline) throw new Error(`cannot register the service with Restate: ${reason}`);
    await sleep(200);
  }
}

function send(agent: Agent, port: number, purchase: Purchase): Promise<void> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(purchase);
    const sending = request(
      {
        ...{ agent, port, host: '127.0.0.1', method: 'POST', path: '/instances/create/send' },
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'idempotency-key': purchase.streamId,
        },
      },
      (response) => {
        response.resume();
        response.on('end', () => {
          if ((response.statusCode ?? 500) < 300) resolve();
          else reject(new Error(`Restate answered ${response.statusCode}`));
        });
      },
    );
    sending.on('error', reject);
    sending.end(body);
  });
}
