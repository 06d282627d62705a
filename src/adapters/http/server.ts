import cookie from '@fastify/cookie';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Config, HttpConfig } from '../../config/config.ts';
import { WeirError } from '../../errors.ts';
import { isLocalOnly, matchNetworks } from '../../lib/address.ts';
import { LoopLag } from '../../lib/loop-lag.ts';
import type { KeyRing } from '../../ops/access/key-ring.ts';
import type { RequestTracing } from '../../ops/telemetry/tracing/trace-requests.ts';
import { addEarlyBuys } from './early-buys.ts';
import { addAuth, createCallerRecall, hasKey } from './plugins/auth.ts';
import { createCallerLimits } from './plugins/caller-limits.ts';
import { compressAnswers } from './plugins/compress-answers.ts';
import { boundConnections } from './plugins/connections.ts';
import { boundHandlers } from './plugins/deadline.ts';
import { Exports } from './plugins/exports.ts';
import { isApiRoute } from './plugins/is-api-route.ts';
import { addJsonBodies } from './plugins/json-body.ts';
import { compileSchemasLazily } from './plugins/lazy-schemas.ts';
import { logActivity } from './plugins/log-activity.ts';
import { createRequestIds, watchRequests } from './plugins/measure-requests.ts';
import { trackMethods } from './plugins/method-not-allowed.ts';
import { addOpenApi } from './plugins/openapi.ts';
import { checkHostAndOrigin, createHostCheck } from './plugins/origin.ts';
import { addPage, pageUrl } from './plugins/page.ts';
import { createErrorHandler, type ProblemDeps, sendProblem } from './plugins/problem.ts';
import { RejectedCredentials } from './plugins/rejected-credentials.ts';
import { boundRequests } from './plugins/request-bounds.ts';
import { describeMistakes } from './plugins/schema-mistake.ts';
import { traceRequests } from './plugins/trace-requests.ts';
import { addAbout } from './routes/about.ts';
import { type ActivityDeps, addActivity } from './routes/activity.ts';
import { type AuditDeps, addAudit } from './routes/audit.ts';
import { addBuyers, type BuyerDeps } from './routes/buyers.ts';
import { addHealth, type HealthDeps } from './routes/health.ts';
import { addInstances, type InstanceDeps } from './routes/instances.ts';
import { addKeys, type KeyDeps } from './routes/keys.ts';
import { addNow, type NowDeps } from './routes/now.ts';
import { addOrders, type OrderDeps } from './routes/orders.ts';
import { addParked, type ParkedDeps } from './routes/parked.ts';
import { addParkedGroups } from './routes/parked-groups.ts';
import { addParkedJobs, type ParkedJobDeps } from './routes/parked-jobs.ts';
import { addProducts, type ProductDeps } from './routes/products.ts';
import { addResults, type ResultDeps } from './routes/results.ts';
import { addSales, type SaleDeps } from './routes/sales.ts';
import { addSession, type SessionDeps } from './routes/session.ts';
import { addStats, type StatsDeps } from './routes/stats.ts';
import { addTickets, type TicketDeps } from './routes/tickets.ts';
import { addTry, type TryDeps } from './routes/try.ts';

/** The dependencies of each file in routes/. */
export interface HttpRoutes {
  orders: OrderDeps;
  products: ProductDeps;
  instances: InstanceDeps;
  results: ResultDeps;
  stats: StatsDeps;
  now: NowDeps;
  parked: ParkedDeps;
  parkedJobs: ParkedJobDeps;
  activity: ActivityDeps;
  audit: AuditDeps;
  sales: SaleDeps;
  tickets: TicketDeps;
  buyers: Omit<BuyerDeps, 'lag'>;
  keys: KeyDeps;
  session: Pick<SessionDeps, 'sessions'>;
  /** undefined: nothing can be tried out here, and GET /v1/try reports that. */
  demo: TryDeps | undefined;
}

interface HttpDeps extends ProblemDeps, Pick<HealthDeps, 'readiness' | 'remarks' | 'registry' | 'draining'> {
  /** `server` of the configuration. */
  config: Config['server'];
  keyRing: KeyRing;
  /** undefined: no SDK is set up. */
  tracing: RequestTracing | undefined;
  routes: HttpRoutes;
}

/** The server with every route. Without the role `http` only the health routes answer. */
export async function createHttpServer(deps: HttpDeps): Promise<FastifyInstance> {
  const config = deps.config.http;
  const bounds = boundRequests(config);
  const takeRequestId = createRequestIds();
  const http = Fastify({
    ...bounds,
    genReqId: takeRequestId,
    schemaController: compileSchemasLazily(),
    frameworkErrors: (error, _, reply) =>
      sendProblem(reply, {
        title: 'Bad request',
        status: 400,
        code: 'REQUEST_INVALID',
        detail: error.message,
      }),
    // Strict: nothing is coerced, and an unknown field is an error.
    ajv: {
      customOptions: {
        ...{ coerceTypes: false, removeAdditional: false, useDefaults: true, allErrors: false },
        // Adds to each error what describeMistakes() reads.
        verbose: true,
      },
    },
    schemaErrorFormatter: describeMistakes,
  });
  const isProxy = matchNetworks(config.trustedProxies);
  http.setErrorHandler(
    createErrorHandler(deps, (request) => hasKey(request) || isProxy(request.raw.socket.remoteAddress ?? '')),
  );
  const findMethods = trackMethods(http, bounds.routerOptions);
  http.setNotFoundHandler((request, reply) => {
    const path = pathOf(request);
    const what = `${request.method} ${path.slice(0, 200)}`;
    const methods = findMethods(path);
    if (methods.length === 0) {
      const detail = `no such route: ${what}; see /openapi.json`;
      return sendProblem(reply, { title: 'Not found', status: 404, code: 'NOT_FOUND', detail });
    }
    const allow = methods.join(', ');
    return sendProblem(reply.header('allow', allow), {
      title: 'Method not allowed',
      status: 405,
      code: 'METHOD_NOT_ALLOWED',
      detail: `cannot ${what}: the path answers ${allow}`,
    });
  });
  watchRequests(http, deps.emit);
  logActivity(http, deps.emit);
  if (deps.tracing) traceRequests(http, deps.tracing);
  addHeaders(http);
  compressAnswers(http);
  boundConnections(http, config);
  await http.register(cookie, { hook: false });
  const { limit, limitLogins } = createCallerLimits(config);
  const rejected = new RejectedCredentials(deps.emit, config.requestsPerMinute > 0);
  http.addHook('onClose', async () => rejected.close());
  const auth = {
    keyRing: deps.keyRing,
    isOnLoopback: isLocalOnly(config),
    limit,
    onWrongKey: (request: FastifyRequest) => rejected.note('key', request),
  };
  http.addHook('onRequest', checkHostAndOrigin(config));
  http.addHook('onRequest', (request, _, done) => {
    const isEarly = deps.readiness.start && isApiRoute(request);
    done(isEarly ? new WeirError('STORE_UNAVAILABLE', 'waiting for the stores at start') : undefined);
  });
  boundHandlers(http, deps.readiness);
  addAuth(http, auth);
  addJsonBodies(http);
  closeConnectionsAtStop(http, deps.draining);

  const isApi = deps.config.roles.includes('http');
  if (isApi) await addOpenApi(http);
  addHealth(http, { ...deps, isMetricsOpen: isMetricsOpen(config), isLocalOnly: auth.isOnLoopback });
  if (!isApi) return http;

  const { routes } = deps;
  const exports = new Exports(deps.emit);
  http.addHook('preClose', async () => exports.end());
  const lag = new LoopLag();
  http.addHook('onClose', async () => lag.close());
  if (!deps.tracing) {
    addEarlyBuys(http, {
      ...{ lag, emit: deps.emit, takeRequestId },
      ...routes.buyers,
      recallCaller: createCallerRecall(auth, config.trustedProxies.length > 0),
      isServedHost: createHostCheck(config),
      isServing: () => deps.readiness.start === undefined && !deps.draining.aborted,
    });
  }
  await http.register(async (api) => {
    addOrders(api, {
      ...{ ...routes.orders, exports },
      onWrongSignature: (request) => rejected.note('signature', request),
    });
    addProducts(api, routes.products);
    addInstances(api, routes.instances, exports);
    addResults(api, routes.results);
    addStats(api, routes.stats);
    addNow(api, routes.now);
    addAbout(api, deps.config);
    addParked(api, routes.parked, exports);
    addParkedGroups(api, routes.parked);
    addParkedJobs(api, routes.parkedJobs, exports);
    addActivity(api, routes.activity, exports);
    addAudit(api, routes.audit);
    addSales(api, routes.sales);
    addTickets(api, routes.tickets);
    await api.register((buyers) => addBuyers(buyers, { ...routes.buyers, lag }));
    addKeys(api, routes.keys);
    addSession(api, { ...routes.session, ...auth, limitLogins });
    addTry(api, routes.demo);
  });
  await http.register(addPage);
  return http;
}

function isMetricsOpen(config: HttpConfig): boolean {
  return config.metrics === 'open' || (config.metrics === 'auto' && isLocalOnly(config));
}

/**
 * Sets the request id that the log uses, except on routes of the flood, where it would add a twentieth to the
 * cost of a refusal. Helmet's headers are for pages; at 40 µs they are too expensive for the API.
 */
function addHeaders(http: FastifyInstance): void {
  http.addHook('onRequest', (request, reply, done) => {
    reply.header('x-content-type-options', 'nosniff');
    const { url, config } = request.routeOptions;
    if (config.limited !== false) reply.header('x-request-id', request.id);
    // The page's files set their own cache headers, and POSTs of the flood are never cached.
    if (url !== pageUrl && (config.limited !== false || request.method === 'GET'))
      reply.header('cache-control', 'no-store');
    done();
  });
}

/**
 * While stopping, each answer closes its connection, so that a client's next request reaches another process.
 */
function closeConnectionsAtStop(http: FastifyInstance, draining: AbortSignal): void {
  http.addHook('onSend', (_, reply, payload, done) => {
    if (draining.aborted) reply.header('connection', 'close');
    done(null, payload);
  });
}

/** Without the query, which may contain a ticket. */
function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? '';
}
