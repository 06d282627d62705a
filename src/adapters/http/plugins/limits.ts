import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyHttpOptions, FastifyRequest } from 'fastify';
import type { HttpConfig } from '../../../config/config.ts';
import { WeirError } from '../../../errors.ts';
import { nameAddress } from '../../../lib/address.ts';
import { TokenBuckets } from '../../../lib/token-buckets.ts';
import { callerOf } from './auth.ts';
import { isReserved } from './connections.ts';
import { toProblem } from './problem.ts';

/** Counts the request. @throws WeirError RATE_LIMITED */
export type Limit = (request: FastifyRequest) => Promise<void>;

/** How large a request may be and how long its arrival may take. */
export function boundRequests({ headersTimeoutMs, keepAliveMs, trustedProxies }: HttpConfig) {
  return {
    bodyLimit: 64 * 1024,
    requestTimeout: 30_000,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle',
    // Requests that arrived before listening ended are served.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256, ignoreTrailingSlash: true },
    trustProxy: trustedProxies.length > 0 ? trustedProxies : false,
    http: {
      maxHeaderSize: 16 * 1024,
      headersTimeout: headersTimeoutMs,
      // How often Node checks for late headers; every 30 s by default.
      connectionsCheckingInterval: Math.min(5_000, headersTimeoutMs),
    },
    clientErrorHandler: answerUnreadable,
  } satisfies FastifyHttpOptions<Server>;
}

/** Requests a minute for each key, and for each address that sends none; as many may come at once. 0: no limit. */
export function createLimits({
  requestsPerMinute,
  loginsPerMinute,
}: Pick<HttpConfig, 'requestsPerMinute' | 'loginsPerMinute'>): {
  limit: Limit;
  limitLogins: Limit;
} {
  return {
    limit: createLimit(requestsPerMinute, (request) => callerOf(request)?.name),
    limitLogins: createLimit(loginsPerMinute, () => undefined),
  };
}

function createLimit(perMinute: number, nameOf: (request: FastifyRequest) => string | undefined): Limit {
  const options = { perSecond: perMinute / 60, burst: perMinute };
  // Two tables: a flood of addresses does not evict the count of a key.
  const [names, addresses] = [new TokenBuckets(options), new TokenBuckets(options)];
  return async (request) => {
    const name = nameOf(request);
    const retryAfterMs = name === undefined ? addresses.take(nameAddress(request.ip)) : names.take(name);
    if (retryAfterMs === 0) return;
    throw new WeirError('RATE_LIMITED', `more than ${perMinute} requests in a minute`, { retryAfterMs });
  };
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
    detail: 'the request took too long to come',
  },
};

/** Bytes that are not HTTP, or arrive too slowly, never become a request: this writes to the connection itself. */
function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (isReserved(socket)) {
    socket.destroy();
    return;
  }
  const { status, title, detail } = unreadable[error.code ?? ''] ?? {
    status: 400,
    title: 'Bad request',
    detail: 'this is not HTTP/1.1',
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
