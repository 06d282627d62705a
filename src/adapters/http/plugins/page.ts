import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
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
  http.get<{ Params: { '*': string } }>(pageUrl, { config: { scope: 'open' } }, (request, reply) => {
    const path = request.params['*'] || 'index.html';
    if (!isPerson(request) || existsSync(join(folder, path))) return reply.sendFile(path);
    return reply.status(404).type('text/html; charset=utf-8').send(missingPage);
  });
}

/** A browser that was given an address, not a program or a page that asks for a file of its own. */
function isPerson({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') ?? false;
}

/** Without styles: from here nobody knows at which address, behind a proxy, they lie. */
const missingPage = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>No such page · Weir</title>
</head>
<body>
  <h1>No such page</h1>
  <p>Nothing has this address. The operator page is at the root of this server, the API is described at /openapi.json.</p>
  <p lang="zh-CN">此地址没有内容。操作页面位于本服务器的根路径，API 说明见 /openapi.json。</p>
</body>
</html>
`;

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
