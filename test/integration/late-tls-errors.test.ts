import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo, type Server } from 'node:net';
import tls from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { connectTo } from '../../src/adapters/rabbitmq/nodes.ts';
import { connectRedis } from '../../src/adapters/redis/connect.ts';
import { createDeferred } from '../../src/lib/deferred.ts';
import { createCertificates } from '../support/certificates.ts';

const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 50]); // Fatal: decode_error.

async function listen(server: Server): Promise<number> {
  onTestFinished(() => {
    server.close();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

/**
 * A server whose certificate no client trusts and whose handshake ends with an alert: a client has refused the
 * certificate when it reads the alert. `closed` resolves after the first of its connections.
 */
async function startServer(): Promise<{ port: number; closed: Promise<void> }> {
  const { cert, key } = createCertificates();
  const server = tls.createServer({ cert: readFileSync(cert), key: readFileSync(key) });
  const port = await listen(server.on('tlsClientError', () => {}));
  const closed = createDeferred<void>();
  const proxy = net.createServer((client) => {
    const upstream = net.connect(port, '127.0.0.1').on('error', () => {});
    client.on('error', () => {}).on('close', () => closed.resolve());
    client.pipe(upstream);
    upstream.on('data', (flight) => client.write(Buffer.concat([flight, alert])));
  });
  return { port: await listen(proxy), closed: closed.promise };
}

/** Resolves with the first error, after the late one has come too. */
type Connect = (port: number) => Promise<unknown>;

function connectToRedis(addr: string): Promise<unknown> {
  const failed = createDeferred<unknown>();
  const redis = connectRedis({ addr, name: 'test', onConnectionError: failed.resolve });
  onTestFinished(() => redis.disconnect());
  return failed.promise;
}

const clients: Record<string, Connect> = {
  Redis: (port) => connectToRedis(`rediss://127.0.0.1:${port}`),
  Sentinels: (port) => connectToRedis(`rediss+sentinel://127.0.0.1:${port}/shop`),
  RabbitMQ: (port) =>
    connectTo({ name: 'broker', url: `amqps://127.0.0.1:${port}` }, { tls: undefined, among: 1 }).catch(
      (error: unknown) => error,
    ),
  PostgreSQL(port) {
    const url = `postgres://weir@127.0.0.1:${port}/weir?sslmode=verify-full&sslnegotiation=direct`;
    const database = openPostgresServer({ url, maxConnections: 1, onConnectionError() {} });
    onTestFinished(() => database.close());
    return database.query('SELECT 1').catch((error: unknown) => error);
  },
};

describe('a server that sends an alert after its certificate was refused', () => {
  test.each(Object.entries(clients))(
    '%s: the first error is reported, and the process goes on',
    async (_, connect) => {
      const uncaught: unknown[] = [];
      const note = (error: unknown) => uncaught.push(error);
      process.on('uncaughtExceptionMonitor', note);
      onTestFinished(() => {
        process.off('uncaughtExceptionMonitor', note);
      });
      const { port, closed } = await startServer();
      expect(String(await connect(port))).toMatch(/self-signed certificate|unable to verify/);
      await closed;
      expect(uncaught).toEqual([]);
    },
  );
});
