import type { FastifyInstance, FastifyRequest } from 'fastify';
import { WeirError } from '../../../errors.ts';
import { Attached } from './attached.ts';
import { maxJsonDepth, nestsTooDeep } from './json-depth.ts';

const rawBodies = new Attached<FastifyRequest, Buffer>();
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The body's bytes as received; signatures are computed over them. */
export function rawBody(request: FastifyRequest): Buffer {
  return rawBodies.get(request) ?? Buffer.alloc(0);
}

/**
 * Parses JSON bodies and keeps their bytes. An empty body counts as none, whatever its type: `curl -d ''`
 * declares a form, other clients plain text or JSON.
 */
export function addJsonBodies(http: FastifyInstance): void {
  http.removeContentTypeParser('text/plain');
  http.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer;
    rawBodies.set(request, bytes);
    if (isBlank(bytes)) return done(null, undefined);
    if (nestsTooDeep(bytes)) {
      return done(new WeirError('REQUEST_INVALID', `the body nests deeper than ${maxJsonDepth}`), undefined);
    }
    try {
      done(null, JSON.parse(utf8.decode(bytes)));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      done(new WeirError('REQUEST_INVALID', `the body is not JSON: ${reason}`), undefined);
    }
  });
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => {
    if ((body as Buffer).length === 0) return done(null, undefined);
    done(unsupportedType(request.headers['content-type']), undefined);
  });
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
}

/** The error that fastify raises for a type without a parser. */
function unsupportedType(type: string | undefined): Error {
  return Object.assign(new Error(`Unsupported Media Type: ${type}`), {
    statusCode: 415,
    code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE',
  });
}
