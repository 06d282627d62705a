import type { FastifyReply, FastifyRequest } from 'fastify';

export const sessionLastsMs = 12 * 3_600_000;

/**
 * `__Host-`: a browser takes it over TLS only, for this very host, so neither a neighbour below the same domain nor plain
 * HTTP can slip in one of theirs. Without TLS there is no such cookie.
 */
function nameFor(request: FastifyRequest): string {
  return request.protocol === 'https' ? '__Host-weir' : 'weir';
}

export function readSessionCookie(request: FastifyRequest): string | undefined {
  const { cookie } = request.headers;
  return cookie === undefined ? undefined : request.server.parseCookie(cookie)[nameFor(request)];
}

export function setSessionCookie(request: FastifyRequest, reply: FastifyReply, id: string): void {
  reply.setCookie(nameFor(request), id, { ...attributes(request), maxAge: sessionLastsMs / 1000 });
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(nameFor(request), attributes(request));
}

function attributes(request: FastifyRequest) {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure: request.protocol === 'https' } as const;
}
