import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * An address that leads to one server and later to another, like a name or a virtual address during a
 * failover.
 */
export async function openAddressSwitch(firstPort: number): Promise<{
  port: number;
  /** New connections lead to that server; open ones stay where they are. */
  leadTo(port: number): void;
  /** Breaks all open connections. */
  cut(): void;
}> {
  let target = firstPort;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const behind = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [client, behind],
      [behind, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    leadTo(port) {
      target = port;
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
