import type { Registry } from 'prom-client';
import { RequestLimits } from '../../adapters/http/plugins/request-limits.ts';
import type { TryDeps } from '../../adapters/http/routes/try.ts';
import type { HttpRoutes } from '../../adapters/http/server.ts';
import { acceptStream } from '../../adapters/postgres/audit-streams.ts';
import { requeueRestock } from '../../adapters/postgres/compensations.ts';
import { countParked } from '../../adapters/postgres/count-parked.ts';
import { postgresInstanceQueries } from '../../adapters/postgres/instance-queries.ts';
import { listActivity } from '../../adapters/postgres/list-activity.ts';
import { listOrders } from '../../adapters/postgres/list-orders.ts';
import { listOpenRefunds } from '../../adapters/postgres/list-refunds.ts';
import { postgresOperatorKeys } from '../../adapters/postgres/operator-keys.ts';
import { postgresOperatorSessions } from '../../adapters/postgres/operator-sessions.ts';
import { readOrderStory } from '../../adapters/postgres/order-story.ts';
import { postgresOrders } from '../../adapters/postgres/orders.ts';
import { retryInstance } from '../../adapters/postgres/overdue.ts';
import { listParked, postgresParked } from '../../adapters/postgres/parked.ts';
import { postgresParkedJobs } from '../../adapters/postgres/parked-jobs.ts';
import { postgresProducts } from '../../adapters/postgres/products.ts';
import { postgresProgress } from '../../adapters/postgres/progress.ts';
import { requestRefundAgain } from '../../adapters/postgres/refund-requests.ts';
import { recordRefund } from '../../adapters/postgres/refunds.ts';
import { releaseInstance } from '../../adapters/postgres/releases.ts';
import { readTimeline } from '../../adapters/postgres/timeline.ts';
import type { Config } from '../../config/config.ts';
import type { InstanceLog } from '../../core/instance/instance-log.ts';
import { gather } from '../../lib/gather.ts';
import type { KeyRing } from '../../ops/access/key-ring.ts';
import { Admission } from '../../sale/admission.ts';
import { PurchaseStatus } from '../../sale/purchase-status.ts';
import { type Components, requestDeadlineMs } from '../components.ts';
import { createWatch } from '../live.ts';
import { createParkedReplay } from '../parked-replay.ts';
import { createPaying, notifyAfter } from '../paying.ts';
import { wantsDemo } from '../stores.ts';

export type HttpRole = Omit<Components, 'lifecycle' | 'outbox' | 'queueDatabase'>;

export interface HttpProcess {
  registry: Registry;
  /** Aborted when the process is about to stop. */
  draining: AbortSignal;
  /** The simulated Resource Domain, if this process runs it. */
  resource: TryDeps['resource'];
}

// One commit at a time fills the next one better: a quarter more requests at 64 connections than with two.
const gathered = { maxItems: 500, maxInFlight: 1, maxWaitMs: 5_000 };

/** The dependencies of every route. */
export function createRoutes(
  components: HttpRole,
  { draining, resource, keyRing, stopping }: HttpProcess & { keyRing: KeyRing; stopping: AbortSignal },
): HttpRoutes {
  const { config, database, ids, gate, streams, emit } = components;
  const after = notifyAfter(components.committed);
  const orders = postgresOrders(database.withDeadline(requestDeadlineMs));
  const queries = postgresInstanceQueries(database.reads);
  const { findProducts, listProducts } = postgresProducts(database.reads);
  const { findOrder, createInstance, findPayments, pay } = createPaying(components);
  const paying = { payOrder: pay, hasRoom: gate.hasRoom };
  const parkedReplay = createParkedReplay(components, pay, components.creation.createInstances);
  const jobs = postgresParkedJobs(database, database.reads);
  const readParked = postgresParked(database.reads);
  const instances = {
    ...queries,
    readTimeline: (instance: InstanceLog) => readTimeline(database.reads, instance),
  };
  const admission = new Admission(streams.checkout, { maxWaiting: config.sale.maxWaiting, maxBatch: 100 });
  return {
    orders: {
      ...{ webhookSecrets: config.server.http.webhookSecrets, emit, ...paying },
      expireAfterMs: config.orders.expireAfterMs,
      orders: {
        ...{ ...orders, findOrder, findPayments },
        listOrders: (filter, limit, cursor) => listOrders(database.reads, filter, limit, cursor),
        readOrderStory: (order) => readOrderStory(database.reads, order),
      },
      products: { findProducts },
      listOpenRefunds: (...page) => listOpenRefunds(database.reads, ...page),
      recordRefund: (...refund) => recordRefund(database, ...refund),
      requestRefundAgain: after((orderId, by) => requestRefundAgain(database, orderId, by)),
      takeOrderId: async () => `ORD${(await ids.take(1))[0]}`,
    },
    products: { products: { ...postgresProducts(database), findProducts, listProducts } },
    instances: { instances, createInstance, ...paying },
    results: {
      instances,
      settleResult: gather(components.settle, gathered),
      settleByHand: components.settleByHand,
      retryInstance: after((id, by) => retryInstance(database, id, config.overdue.deadlineMs, by)),
      releaseInstance: after((id, by) => releaseInstance(database, id, by)),
    },
    stats: { stats: queries },
    now: { watch: createWatch(components), draining },
    parked: {
      parked: {
        findParked: readParked.findParked,
        countParked: (filter) => countParked(database.reads, filter),
        listParked: (filter, limit, cursor) => listParked(database.reads, filter, limit, cursor),
        replay: (id, by, options) => parkedReplay.replay(id, by, options),
        discard: (id, by, reason) => parkedReplay.discard(id, by, reason),
      },
    },
    parkedJobs: {
      ...jobs,
      async createJob(job, by) {
        const created = await jobs.createJob(job, by);
        components.jobs.notify();
        return created;
      },
    },
    activity: { listActivity: (...page) => listActivity(database.reads, ...page) },
    audit: {
      audit: (full) => components.audit(full ? 'full' : 'explained'),
      acceptStream: (stream, actor) => acceptStream(database, stream, actor),
    },
    sales: {
      sales: streams.sales,
      products: { findProducts },
      requeueRestock: after((productId, since, actor) => requeueRestock(database, productId, since, actor)),
    },
    tickets: { admission },
    buyers: {
      admission,
      maxLoopDelayMs: config.sale.maxLoopDelayMs,
      // Separate limits, so that status requests take no tokens from buying.
      ...{ buyLimits: createLimits(config.sale), readLimits: createLimits(config.sale) },
      purchases: new PurchaseStatus({
        rows: postgresProgress(database),
        places: streams.places,
        signal: stopping,
      }),
    },
    keys: { keys: postgresOperatorKeys(database), keyRing },
    session: { sessions: postgresOperatorSessions(database) },
    demo: wantsDemo(config) ? { feed: streams.streams, resource } : undefined,
  };
}

/** Burst, as a multiple of the requests per second. */
const burstFactor = 5;

function createLimits({ userPerSecond, addressPerSecond }: Config['sale']): RequestLimits {
  return new RequestLimits(
    { perSecond: userPerSecond, burst: userPerSecond * burstFactor },
    { perSecond: addressPerSecond, burst: addressPerSecond * burstFactor },
  );
}
