import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyHttpOptions } from 'fastify';
import type { HttpConfig } from '../../../config/config.ts';
import { isReserved } from './connections.ts';
import { toProblem } from './problem.ts';

/** Size limits of a request, and time limits for receiving it. */
export function boundRequests({ headersTimeoutMs, keepAliveMs, trustedProxies }: HttpConfig) {
  return {
    bodyLimit: 64 * 1024,
    requestTimeout: 30_000,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle',
    // Requests that arrived before the server stopped listening are served.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256, ignoreTrailingSlash: true },
    trustProxy: trustedProxies.length > 0 ? trustedProxies : false,
    http: {
      maxHeaderSize: 16 * 1024,
      headersTimeout: headersTimeoutMs,
      // How often Node checks for late headers; its default is 30 s.
      connectionsCheckingInterval: Math.min(5_000, headersTimeoutMs),
    },
    clientErrorHandler: answerUnreadable,
  } satisfies FastifyHttpOptions<Server>;
}

const unreadable: Record<string, { status: number; title: string; detail: string }> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    title: 'Request header fields too large',
    detail: 'the headers are larger than 16 KiB',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    title: 'Request timeout',
    detail: 'the request did not arrive in time',
  },
};

/**
 * Bytes that are not HTTP, or arrive too slowly, never become a request: this writes to the connection
 * directly.
 */
function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (isReserved(socket)) {
    socket.destroy();
    return;
  }
  const { status, title, detail } = unreadable[error.code ?? ''] ?? {
    status: 400,
    title: 'Bad request',
    detail: 'the bytes received are not HTTP/1.1',
  };
  const body = JSON.stringify(toProblem({ title, status, code: 'REQUEST_INVALID', detail }));
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status} ${title}\r\ncontent-type: application/problem+json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}
