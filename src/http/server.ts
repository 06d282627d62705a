import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Config } from '../config.ts';
import { WeirError } from '../errors.ts';
import { type AuditParts, addAudit } from './audit.ts';
import { checkHostAndOrigin, requireOperatorKey } from './auth.ts';
import { addHealth, type HealthParts } from './health.ts';
import { addInstances, type InstanceParts } from './instances.ts';
import { addJsonBodies } from './json-body.ts';
import { addOrders, type OrderParts } from './orders.ts';
import { addParked, type ParkedParts } from './parked.ts';
import { createErrorHandler, type ProblemParts, sendProblem } from './problem.ts';
import { addProducts, type ProductStore } from './products.ts';
import { addResults, type ResultParts } from './results.ts';
import { addSales, type SaleParts } from './sales.ts';
import { addStats, type StatsReader } from './stats.ts';
import { type RequestTracing, traceRequests } from './trace-requests.ts';
import { addTry, type StreamFeed } from './try.ts';
import { watchRequests } from './watch-requests.ts';

export interface HttpParts
  extends OrderParts,
    InstanceParts,
    ResultParts,
    ParkedParts,
    AuditParts,
    Pick<SaleParts, 'sales'>,
    HealthParts,
    ProblemParts {
  config: Config;
  products: ProductStore;
  stats: StatsReader;
  /** Where POST /v1/try/seckill puts its buyers; undefined: the route does not exist. */
  feed: StreamFeed | undefined;
  /** undefined: nobody listens. */
  tracing: RequestTracing | undefined;
}

/** Every route there is. Without the role `http` only the health routes answer. */
export async function createHttpServer(parts: HttpParts): Promise<FastifyInstance> {
  const { config } = parts;
  const http = Fastify({
    bodyLimit: 64 * 1024,
    genReqId: () => randomUUID(),
    forceCloseConnections: 'idle',
    requestTimeout: 30_000,
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (error, _, reply) =>
      sendProblem(reply, {
        title: 'Bad request',
        status: 400,
        code: 'REQUEST_INVALID',
        detail: error.message,
      }),
    // Strict: nothing is coerced and an unknown field is a mistake, not noise.
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true, allErrors: false },
    },
  });
  http.setErrorHandler(createErrorHandler(parts));
  http.setNotFoundHandler((request, reply) =>
    sendProblem(reply, {
      title: 'Not found',
      status: 404,
      code: 'NOT_FOUND',
      detail: `there is nothing at ${request.method} ${request.url.slice(0, 200)}; see /openapi.json`,
    }),
  );
  watchRequests(http, parts.notify);
  http.addHook('onRequest', checkHostAndOrigin(config));
  addJsonBodies(http);
  closeConnectionsAtStop(http);
  // What helmet sets is for pages, and at 40 µs an answer too dear for the API.
  http.addHook('onRequest', (_, reply, done) => {
    reply.header('x-content-type-options', 'nosniff');
    done();
  });

  addHealth(http, parts);
  if (!config.roles.includes('http')) return http;

  await http.register(swagger, { openapi: { openapi: '3.1.0', info: { title: 'Weir', version: '1' } } });
  http.get('/openapi.json', { schema: { hide: true } }, () => http.swagger());
  await http.register(async (api) => {
    if (parts.tracing) traceRequests(api, parts.tracing);
    api.addHook('onRequest', async () => {
      if (parts.readiness.start) throw new WeirError('STORE_AWAY', 'still waiting for the stores');
    });
    addOrders(api, parts);
    await api.register(async (operator) => {
      operator.addHook('onRequest', requireOperatorKey(config.operatorKeys));
      addProducts(operator, parts);
      addInstances(operator, parts);
      addResults(operator, parts);
      addStats(operator, parts);
      addParked(operator, parts);
      addAudit(operator, parts);
      addSales(operator, parts);
      if (parts.feed) addTry(operator, parts.feed);
    });
  });
  await http.register(async (page) => {
    await page.register(helmet, { contentSecurityPolicy: { directives: pagePolicy }, hsts: false });
    await page.register(fastifyStatic, { root: fileURLToPath(new URL('../dashboard/', import.meta.url)) });
  });
  return http;
}

/** A client that keeps its connection open would hold up a stop: the answer it waits for is the last one there. */
function closeConnectionsAtStop(http: FastifyInstance): void {
  let closing = false;
  http.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  http.addHook('onSend', (_, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
}

const pagePolicy = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  connectSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
  upgradeInsecureRequests: null,
};
