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
 * `/openapi.json`, from the schemas that the routes check with and the scope that each declares. A route that does not say
 * what it is ends the start.
 */
export async function addOpenApi(http: FastifyInstance): Promise<void> {
  await http.register(swagger, {
    openapi: { openapi: '3.1.0', info, servers: [{ url: '/' }], tags: [], components: { securitySchemes } },
    transform: ({ schema, url, route }) => ({ schema: describe(schema ?? {}, url, route), url }),
  });
  http.addHook('onRoute', ({ method, url, schema }) => {
    if (schema?.summary || url === pageUrl) return;
    throw new Error(`${method} ${url} does not say what it is: give it schema.summary`);
  });
  const schema = { summary: 'This description' };
  http.get('/openapi.json', { config: { scope: 'open' }, schema }, () => {
    const document = http.swagger() as { paths?: Record<string, object> };
    return { ...document, tags: listTags(Object.keys(document.paths ?? {})) };
  });
}

/** What follows from the route itself is added here, once for all routes. */
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

/** `GET /v1/products/:id` → getProductsById: every route has one, no two the same, and it changes only with the route. */
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
  // Without webhook secrets, on loopback, an unsigned callback is taken as well.
  if (scope === 'signed') return [{ webhookSignature: [] }, {}];
  return [{ operatorKey: [] }, { session: [] }, ...(orTicket ? [{}] : [])];
}

function goodAnswers(response: unknown): Record<string, unknown> {
  const declared = Object.entries((response ?? {}) as Record<string, unknown>);
  const good = declared.filter(([status]) => status.startsWith('2'));
  return good.length > 0
    ? Object.fromEntries(good)
    : { 200: { description: 'As docs/http-api.md shows it.' } };
}

const problem = (description: string, headers = {}) => ({
  description,
  headers,
  content: { 'application/problem+json': { schema: ProblemShape } },
});
const retryAfter = { 'Retry-After': { description: 'Seconds.', type: 'integer' } };

const badAnswers = {
  401: problem('No key or signature, or a wrong one.'),
  403: problem('The key has too small a scope, or a page of another origin asks.'),
  429: problem('Too many requests.', retryAfter),
  503: problem('A store is unavailable, or too much waits; send the same request again.', retryAfter),
  '4xx': problem('The request cannot be done; `code` says why, docs/http-api.md what each means.'),
  '5xx': problem('Something went wrong inside Weir.'),
};
