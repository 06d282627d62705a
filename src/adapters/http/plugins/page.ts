import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import type { FastifyError, FastifyInstance } from 'fastify';
import { packageRoot } from '../../../lib/package-root.ts';

/** Whatever no other route answers. */
export const pageUrl = '/*';

const folder = fileURLToPath(new URL('dist/dashboard/', packageRoot));

/**
 * The operator page at /, as scripts/build-page.mjs has laid it out: the files that index.html names lie in a folder named
 * after their content, so they never change and are asked for once; index.html, and guide.html, which is the operating documents,
 * are asked for each time and mostly answer 304.
 */
export async function addPage(http: FastifyInstance): Promise<void> {
  await http.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: policy },
    hsts: false,
  });
  await http.register(fastifyStatic, {
    root: folder,
    serve: false,
    preCompressed: true,
    cacheControl: false,
    setHeaders(reply, path) {
      reply.setHeader('vary', 'accept-encoding');
      const isEntry = /^(index|guide)\.html/.test(basename(path));
      reply.setHeader('cache-control', isEntry ? 'no-cache' : 'public, max-age=31536000, immutable');
    },
  });
  // What lies outside of the folder does not exist.
  http.setErrorHandler((error: FastifyError, _, reply) => {
    if (error.statusCode !== 403) throw error;
    reply.callNotFound();
  });
  // A route of our own, since every route says who may call it and the plugin's cannot.
  http.get<{ Params: { '*': string } }>(pageUrl, { config: { scope: 'open' } }, ({ params }, reply) =>
    reply.sendFile(params['*'] || 'index.html'),
  );
}

const policy = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  connectSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};
