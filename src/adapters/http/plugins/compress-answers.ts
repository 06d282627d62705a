import { gzip } from 'node:zlib';
import { Negotiator } from '@fastify/accept-negotiator';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Smaller answers fit one packet anyway, so compressing them would only cost CPU. */
const minBytes = 1_024;
const encodings = new Negotiator({ supportedValues: ['gzip', 'identity'] });

/**
 * Compresses lists, trends, metrics and the API description: text answers to GET. None of them contains keys,
 * tickets or cookies, so their length reveals none (BREACH). Streams and compressed answers are not changed.
 */
export function compressAnswers(http: FastifyInstance): void {
  http.addHook('onSend', (request, reply, payload, done) => {
    if (typeof payload !== 'string' || payload.length < minBytes || !mayCompress(request)) {
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

/** Answers to buyers contain their tickets, are small, and come by the thousand. */
function mayCompress({ method, routeOptions: { config } }: FastifyRequest): boolean {
  return method === 'GET' && config.scope !== 'signed' && !config.orTicket;
}
