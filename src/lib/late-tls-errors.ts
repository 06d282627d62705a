import tls from 'node:tls';

let isInstalled = false;

/**
 * A TLS socket can emit a second error after it was given up: the server's alert about the end of a handshake
 * that the client has refused. ioredis and amqplib listen for the first one only, and an error event without
 * a listener ends the process. They call `tls.connect`, so from here on each of its sockets has a listener.
 */
export function ignoreLateTlsErrors(): void {
  if (isInstalled) return;
  isInstalled = true;
  const { connect } = tls;
  tls.connect = ((...args: Parameters<typeof connect>) =>
    connect(...args).on('error', () => {})) as typeof connect;
}
