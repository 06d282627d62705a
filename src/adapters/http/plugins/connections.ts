import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { HttpConfig } from '../../../config/config.ts';
import { WeirError } from '../../../errors.ts';
import { isLoopback, matchNetworks, nameAddress } from '../../../lib/address.ts';

/** Connections accepted beyond the limit, for probes only. */
const reservedForProbes = 16;
const probes = new Set<string | undefined>(['/healthz', '/readyz', '/metrics']);

const reserved = new WeakSet<Socket>();

/** Whether only probes are answered on this connection. */
export function isReserved(socket: Socket): boolean {
  return reserved.has(socket);
}

type Bounds = Pick<HttpConfig, 'maxConnections' | 'maxConnectionsPerAddress' | 'trustedProxies'>;

/**
 * Each connection costs memory, even one that sends nothing. An address other than loopback and trusted
 * proxies may have a share of them. When all are taken, a few more are accepted that answer probes only; a
 * new one replaces the oldest. So health and metrics stay visible while other clients hold every connection.
 */
export function boundConnections(http: FastifyInstance, bounds: Bounds): void {
  const { maxConnections, maxConnectionsPerAddress } = bounds;
  const isProxy = matchNetworks(bounds.trustedProxies);
  const countByAddress = new Map<string, number>();
  const probing = new Set<Socket>();
  let count = 0;

  http.server.on('connection', (socket) => {
    const name = nameOf(socket, isProxy);
    const ofAddress = countByAddress.get(name ?? '') ?? 0;
    if (name !== undefined && ofAddress >= maxConnectionsPerAddress) return socket.destroy();
    if (count >= maxConnections) return reserve(socket);
    count++;
    if (name !== undefined) countByAddress.set(name, ofAddress + 1);
    socket.once('close', () => {
      count--;
      if (name === undefined) return;
      const left = (countByAddress.get(name) ?? 1) - 1;
      if (left > 0) countByAddress.set(name, left);
      else countByAddress.delete(name);
    });
  });

  function reserve(socket: Socket): void {
    reserved.add(socket);
    probing.add(socket);
    socket.once('close', () => probing.delete(socket));
    const [oldest] = probing.size > reservedForProbes ? probing : [];
    oldest?.destroy();
  }

  http.addHook('onRequest', (request, reply, done) => {
    if (probing.size === 0 || !reserved.has(request.raw.socket)) return done();
    reply.header('connection', 'close');
    if (probes.has(request.routeOptions.url)) return done();
    done(new WeirError('OVERLOADED', 'all connections of this process are in use'));
  });
}

/** undefined: not limited by address. */
function nameOf(
  { remoteAddress: address }: Socket,
  isProxy: (address: string) => boolean,
): string | undefined {
  if (address === undefined || isLoopback(address) || isProxy(address)) return undefined;
  return nameAddress(address);
}
