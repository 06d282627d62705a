import { gzip } from 'node:zlib';
import { Negotiator } from '@fastify/accept-negotiator';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Below it a packet is saved by nothing, and work is lost. */
const leastBytes = 1_024;
const encodings = new Negotiator({ supportedValues: ['gzip', 'identity'] });

/**
 * Compresses lists, trends, metrics and the description: text that was asked for by GET. Keys, tickets and cookies are in no such
 * answer, so their length reveals none of them (BREACH). Streams and compressed answers are not changed.
 */
export function compressAnswers(http: FastifyInstance): void {
  http.addHook('onSend', (request, reply, payload, done) => {
    if (typeof payload !== 'string' || payload.length < leastBytes || !mayCompress(request)) {
      done(null, payload);
      return;
    }
    reply.header('vary', 'accept-encoding');
    if (encodings.negotiate(request.headers['accept-encoding'] ?? '') !== 'gzip') {
      done(null, payload);
      return;
    }
    gzip(payload, (error, compressed) => {
      if (error) {
        done(error);
        return;
      }
      reply.header('content-encoding', 'gzip').removeHeader('content-length');
      done(null, compressed);
    });
  });
}

/** What buyers ask for holds their tickets, is small, and comes by the thousand. */
function mayCompress({ method, routeOptions: { config } }: FastifyRequest): boolean {
  return method === 'GET' && config.scope !== 'signed' && !config.orTicket;
}
