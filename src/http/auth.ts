import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { isLoopback, splitAddr } from '../lib/address.ts';
import { sendProblem } from './problem.ts';

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/**
 * A page of another site must not reach us through the visitor's browser: not by a name that it points at 127.0.0.1
 * (Host), and not by a cross-site form or fetch (Origin). Bound to other addresses, with keys, only Origin matters.
 */
export function checkHostAndOrigin({ addr, hosts }: Pick<Config, 'addr' | 'hosts'>): Hook {
  const bound = splitAddr(addr).host;
  const allowed = new Set(
    [...hosts, bound, 'localhost', '127.0.0.1', '[::1]'].map((host) => host.toLowerCase()),
  );
  const isOpen = !isLoopback(bound) && hosts.length === 0;
  return async (request, reply) => {
    const host = request.headers.host ?? '';
    if (!isOpen && !allowed.has(withoutPort(host).toLowerCase())) {
      return sendProblem(reply, {
        title: 'Misdirected request',
        status: 421,
        code: 'HOST_NOT_ALLOWED',
        detail: 'this Host is not served here; add it to server.http.hosts',
      });
    }
    const { origin } = request.headers;
    if (origin !== undefined && hostOf(origin) !== host) {
      return sendProblem(reply, {
        title: 'Forbidden',
        status: 403,
        code: 'ORIGIN_NOT_ALLOWED',
        detail: 'a page of another origin may not call this API',
      });
    }
    return undefined;
  };
}

/** `Authorization: Bearer KEY` with one of the keys; without keys everybody who can reach the port. */
export function requireOperatorKey(keys: readonly string[]): Hook {
  const digests = keys.map(digest);
  return async (request, reply) => {
    if (digests.length === 0) return undefined;
    const given = digest(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '');
    // All are compared, each in constant time: the answer's delay tells nothing.
    if (digests.filter((known) => timingSafeEqual(known, given)).length > 0) {
      operators.set(request, `key ${given.toString('hex', 0, 4)}`);
      return undefined;
    }
    reply.header('www-authenticate', 'Bearer');
    return sendProblem(reply, {
      title: 'Unauthorized',
      status: 401,
      code: 'KEY_REQUIRED',
      detail: 'send an operator key: Authorization: Bearer …',
    });
  };
}

const operators = new WeakMap<FastifyRequest, string>();

/** Who asks, as it is written down beside what he did: the beginning of his key's SHA-256, never the key. */
export function operatorOf(request: FastifyRequest): string {
  return operators.get(request) ?? 'operator';
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, '');
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
