import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import { packageRoot } from '../../../lib/package-root.ts';

/** Matches every path without another route. */
export const pageUrl = '/*';

const folder = fileURLToPath(new URL('dist/dashboard/', packageRoot));

/**
 * Serves the operator page at /, laid out by scripts/build-page.mjs. Files named by index.html are in a
 * folder named after their content: they never change and are cached for good. index.html and guide.html (the
 * operating documents) are revalidated each time, mostly with a 304.
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
  // Files outside of the folder do not exist.
  http.setErrorHandler((error: FastifyError, _, reply) => {
    if (error.statusCode !== 403) throw error;
    reply.callNotFound();
  });
  // A route of its own, since every route must declare its scope and the plugin's cannot.
  http.get<{ Params: { '*': string } }>(pageUrl, { config: { scope: 'open' } }, (request, reply) => {
    const path = request.params['*'] || 'index.html';
    if (!isPerson(request) || existsSync(join(folder, path))) return reply.sendFile(path);
    return reply.status(404).type('text/html; charset=utf-8').send(missingPage);
  });
}

/** Whether a person opened the address in a browser, as opposed to a program, or a page loading a file. */
function isPerson({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/html') ?? false;
}

/** Without styles: behind a proxy their address is unknown here. The empty icon spares a request for /favicon.ico. */
const missingPage = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>No such page · Weir</title>
  <link rel="icon" href="data:,">
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
