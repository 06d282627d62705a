import swagger from '@fastify/swagger';
import underPressure from '@fastify/under-pressure';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Config } from '../config.ts';
import { WeirError } from '../errors.ts';
import type { PurchaseDesk } from '../sale/purchase-desk.ts';
import { type AuditParts, addAudit } from './audit.ts';
import { checkHostAndOrigin, requireOperatorKey } from './auth.ts';
import { addBuy, type BuyParts } from './buy.ts';
import { addHealth, type HealthParts } from './health.ts';
import { addInstances, type InstanceParts } from './instances.ts';
import { addJsonBodies } from './json-body.ts';
import { addNow, type NowParts } from './now.ts';
import { addOrders, type OrderParts } from './orders.ts';
import { addPage } from './page.ts';
import { addParked, type ParkedParts } from './parked.ts';
import { createErrorHandler, type ProblemParts, sendProblem } from './problem.ts';
import { addProducts, type ProductStore } from './products.ts';
import { addPurchases } from './purchases.ts';
import { addResults, type ResultParts } from './results.ts';
import { addSales, type SaleParts } from './sales.ts';
import { addStats, type StatsReader } from './stats.ts';
import { addTicketStanding, addTickets } from './tickets.ts';
import { addTry, type StreamFeed } from './try.ts';

export interface HttpParts
  extends OrderParts,
    InstanceParts,
    ResultParts,
    ParkedParts,
    AuditParts,
    Pick<SaleParts, 'sales'>,
    BuyParts,
    HealthParts,
    NowParts,
    ProblemParts {
  config: Config;
  products: ProductStore;
  purchases: PurchaseDesk;
  stats: StatsReader;
  /** Where POST /v1/try/seckill puts its buyers; undefined: the route does not exist, and GET /v1/try says so. */
  feed: StreamFeed | undefined;
}

/** Every route there is. Without the role `http` only the health routes answer. */
export async function createHttpServer(parts: HttpParts): Promise<FastifyInstance> {
  const { config } = parts;
  const http = Fastify({
    bodyLimit: 64 * 1024,
    forceCloseConnections: 'idle',
    requestTimeout: 30_000,
    trustProxy: config.trustedProxies.length > 0 ? config.trustedProxies : false,
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
      addNow(operator, parts);
      addParked(operator, parts);
      addAudit(operator, parts);
      addSales(operator, parts);
      addTickets(operator, parts);
      await operator.register((buyers) => addBuyers(buyers, parts));
      addTry(operator, parts.feed);
    });
  });
  await http.register(addPage);
  return http;
}

/** What thousands ask for in the same second: shed first when the process cannot keep up. */
async function addBuyers(http: FastifyInstance, parts: HttpParts): Promise<void> {
  await http.register(underPressure, {
    maxEventLoopDelay: parts.config.saleMaxLoopDelayMs,
    pressureHandler: (_, __, type, value) => {
      throw new WeirError('OVERLOADED', `this process cannot keep up: ${type} ${Math.round(value ?? 0)}`);
    },
  });
  addBuy(http, parts);
  addTicketStanding(http, parts);
  addPurchases(http, parts);
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
