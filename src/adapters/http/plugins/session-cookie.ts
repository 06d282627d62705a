import type { FastifyReply, FastifyRequest } from 'fastify';

export const sessionLastsMs = 12 * 3_600_000;

/**
 * A browser sends a cookie to every port of its host, so the name contains the port at which the page was
 * opened; otherwise two Weirs on one machine would overwrite each other's session. The port is taken from
 * `Host` and not from the listener, so that all replicas behind one address use the same cookie; without a
 * port in it the name has none.
 *
 * `__Host-`: a browser accepts it only over TLS and for exactly this host, so neither a subdomain of the same
 * domain nor plain HTTP can set it. Without TLS there is no such cookie.
 */
function nameFor({ protocol, host }: FastifyRequest): string {
  const port = /:(\d{1,5})$/.exec(host)?.[1];
  return `${protocol === 'https' ? '__Host-weir' : 'weir'}${port === undefined ? '' : `-${port}`}`;
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
