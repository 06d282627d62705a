import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import { ProblemShape } from '../../../api/shapes.ts';
import type { RouteScope } from './auth.ts';
import { pageUrl } from './page.ts';

const info = {
  title: 'Weir',
  version: '1',
  description: 'Every accepted purchase becomes exactly one instance. See docs/http-api.md.',
  license: { name: 'MIT', identifier: 'MIT' },
};

const securitySchemes = {
  operatorKey: { type: 'http', scheme: 'bearer', description: 'An operator key of `weir keys create`.' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'weir',
    description:
      'The cookie of POST /v1/session; `__Host-weir` over TLS, with the port of the address: `weir-8000`.',
  },
  webhookSignature: {
    type: 'apiKey',
    in: 'header',
    name: 'webhook-signature',
    description: 'Standard Webhooks.',
  },
} as const;

/**
 * Serves `/openapi.json`, built from the schemas that the routes validate with and the scope of each. A route
 * without a summary fails the start.
 */
export async function addOpenApi(http: FastifyInstance): Promise<void> {
  await http.register(swagger, {
    openapi: { openapi: '3.1.0', info, servers: [{ url: '/' }], tags: [], components: { securitySchemes } },
    transform: ({ schema, url, route }) => ({ schema: describe(schema ?? {}, url, route), url }),
  });
  http.addHook('onRoute', ({ method, url, schema }) => {
    if (schema?.summary || url === pageUrl) return;
    throw new Error(`${method} ${url} has no summary: set schema.summary`);
  });
  const schema = { summary: 'This description' };
  http.get('/openapi.json', { config: { scope: 'open' }, schema }, () => {
    const document = http.swagger() as { paths?: Record<string, object> };
    return { ...document, tags: listTags(Object.keys(document.paths ?? {})) };
  });
}

/** Adds what follows from the route itself, for all routes in one place. */
function describe(schema: FastifySchema, url: string, route: RouteOptions) {
  if (url === pageUrl) return { ...schema, hide: true };
  const { scope = 'open', orTicket = false, activity } = route.config ?? {};
  const method = String(route.method).toLowerCase();
  return {
    ...schema,
    operationId: toOperationId(method, url),
    tags: [tagOf(url)],
    security: securityOf(scope, orTicket),
    'x-weir-scope': scope,
    ...(activity && { 'x-weir-activity': activity }),
    response: { ...goodAnswers(schema.response), ...badAnswers },
  };
}

/** `GET /v1/products/:id` → getProductsById. Unique for every route, and stable as long as the route is. */
function toOperationId(method: string, url: string): string {
  const words = url.split('/').filter((part) => part !== '' && part !== 'v1');
  return (
    method +
    words.map((word) => (word.startsWith(':') ? 'By' : '') + capitalize(word.replace(/[:.]/, ''))).join('')
  );
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function tagOf(url: string): string {
  return url.startsWith('/v1/') ? (url.split('/')[2] ?? '') : 'process';
}

function listTags(paths: string[]): { name: string; description: string }[] {
  const names = [...new Set(paths.map(tagOf))].sort();
  return names.map((name) => ({
    name,
    description: name === 'process' ? 'The process itself.' : `Everything below /v1/${name}.`,
  }));
}

function securityOf(scope: RouteScope, orTicket: boolean): Record<string, string[]>[] {
  if (scope === 'open') return [{}];
  // Without webhook secrets, on loopback, an unsigned callback is accepted too.
  if (scope === 'signed') return [{ webhookSignature: [] }, {}];
  return [{ operatorKey: [] }, { session: [] }, ...(orTicket ? [{}] : [])];
}

function goodAnswers(response: unknown): Record<string, unknown> {
  const declared = Object.entries((response ?? {}) as Record<string, unknown>);
  const good = declared.filter(([status]) => status.startsWith('2'));
  return good.length > 0 ? Object.fromEntries(good) : { 200: { description: 'See docs/http-api.md.' } };
}

const problem = (description: string, headers = {}) => ({
  description,
  headers,
  content: { 'application/problem+json': { schema: ProblemShape } },
});
const retryAfter = { 'Retry-After': { description: 'Seconds.', type: 'integer' } };

const badAnswers = {
  401: problem('Missing or invalid key or signature.'),
  403: problem('The scope of the key is insufficient, or the request comes from a page of another origin.'),
  429: problem('Too many requests.', retryAfter),
  503: problem('A store is unavailable, or the backlog is too large; repeat the same request.', retryAfter),
  '4xx': problem('The request was refused; `code` is the reason, explained in docs/http-api.md.'),
  '5xx': problem('Internal error.'),
};
