import { RequestLimits } from '../../adapters/http/plugins/request-limits.ts';
import { createHttpServer } from '../../adapters/http/server.ts';
import { acceptStream } from '../../adapters/postgres/audit-streams.ts';
import { requeueRestock } from '../../adapters/postgres/compensations.ts';
import { findOrderInstance } from '../../adapters/postgres/instance-logs.ts';
import { InstanceQueries } from '../../adapters/postgres/instance-queries.ts';
import {
  markKeysUsed,
  postgresOperatorKeys,
  readCredentials,
} from '../../adapters/postgres/operator-keys.ts';
import { postgresOperatorSessions } from '../../adapters/postgres/operator-sessions.ts';
import { PostgresOrders } from '../../adapters/postgres/orders.ts';
import { retryInstance } from '../../adapters/postgres/overdue.ts';
import { listParked, postgresParked } from '../../adapters/postgres/parked.ts';
import { postgresPayments } from '../../adapters/postgres/payments.ts';
import { PostgresProducts } from '../../adapters/postgres/products.ts';
import { postgresProgress } from '../../adapters/postgres/progress.ts';
import { requestRefundAgain } from '../../adapters/postgres/refund-requests.ts';
import { recordRefund } from '../../adapters/postgres/refunds.ts';
import { releaseInstance } from '../../adapters/postgres/releases.ts';
import { readTimeline } from '../../adapters/postgres/timeline.ts';
import { isTransientDatabaseError } from '../../adapters/postgres/transient.ts';
import type { Config } from '../../config/config.ts';
import type { PaymentBook } from '../../core/orders/payment-book.ts';
import { ParkedReplay } from '../../core/parked/replay.ts';
import {
  type OrderPaidDeps,
  type PaidOrder,
  type PaymentAnswer,
  payOrder,
} from '../../core/triggers/order-paid.ts';
import { splitAddr } from '../../lib/address.ts';
import { systemClock } from '../../lib/clock.ts';
import { gather } from '../../lib/gather.ts';
import { KeyRing } from '../../ops/access/key-ring.ts';
import { measureReadiness } from '../../ops/telemetry/metrics/stores.ts';
import type { Telemetry } from '../../ops/telemetry/telemetry.ts';
import { Admission } from '../../sale/admission.ts';
import { PurchaseStatus } from '../../sale/purchase-status.ts';
import { type Core, reportFailure, requestDeadlineMs } from '../components.ts';
import { createWatch } from '../live.ts';
import { wantsDemo } from '../stores.ts';

/** @returns the address that it listens on */
export async function addHttp(core: Core, { registry }: Telemetry, draining: AbortSignal): Promise<string> {
  const { config, emit, lifecycle, readiness, database, ids, gate, streams } = core;
  const orders = new PostgresOrders(database.withDeadline(requestDeadlineMs));
  const queries = new InstanceQueries(database.reads);
  const products = new PostgresProducts(database);
  const shownProducts = new PostgresProducts(database.reads);
  // One commit at a time fills the next one better: at 64 connections a quarter more requests than with two.
  const gathered = { maxItems: 500, maxInFlight: 1, maxWaitMs: 5_000 };
  const findOrder = gather((wanted: string[]) => orders.findOrders(wanted), gathered);
  const createInstance = gather(core.requestCreation.createInstances, gathered);
  const payments = createPayments(core);
  const pay = (paid: PaidOrder) => payOrder({ ...payments, findOrder, createInstance }, paid);
  // Also for the role `http` alone, which sells.
  if (config.redisAddr !== '') readiness.streams = streams.notReady;
  measureReadiness(registry, readiness);
  const desk = createParkedReplay(core, pay);
  const stopping = new AbortController();
  const http = await createHttpServer({
    config,
    products: {
      createProduct: (product) => products.createProduct(product),
      switchProduct: (id, enabled) => products.switchProduct(id, enabled),
      findProducts: (ids) => shownProducts.findProducts(ids),
      listProducts: (limit, after) => shownProducts.listProducts(limit, after),
    },
    orders: {
      findOrder,
      createOrder: (order) => orders.createOrder(order),
      findOrderByKey: (key) => orders.findOrderByKey(key),
      cancelOrder: (id) => orders.cancelOrder(id),
      findPayments: (id) => payments.payments.findPayments(id),
    },
    payOrder: pay,
    recordRefund: (orderId, paymentId) => recordRefund(database, orderId, paymentId),
    instances: {
      findInstance: (id) => queries.findInstance(id),
      listInstances: (filter, limit, cursor) => queries.listInstances(filter, limit, cursor),
      readTimeline: (instance) => readTimeline(database.reads, instance),
    },
    createInstance,
    settleResult: gather(core.settle, gathered),
    async retryInstance(instanceId, by) {
      const found = await retryInstance(database, instanceId, config.overdueDeadlineMs, by);
      core.committed.notify();
      return found;
    },
    async releaseInstance(instanceId, by) {
      const found = await releaseInstance(database, instanceId, by);
      core.committed.notify();
      return found;
    },
    async requestRefundAgain(orderId, by) {
      const refund = await requestRefundAgain(database, orderId, by);
      core.committed.notify();
      return refund;
    },
    stats: queries,
    watch: createWatch(core),
    parked: {
      listParked: (filter, limit, cursor) => listParked(database.reads, filter, limit, cursor),
      findParked: (id) => postgresParked(database.reads).findParked(id),
      replay: (id, by, options) => desk.replay(id, by, options),
      discard: (id, by, reason) => desk.discard(id, by, reason),
    },
    sales: streams.sales,
    async requeueRestock(stream, since) {
      const units = await requeueRestock(database, stream, since);
      core.committed.notify();
      return units;
    },
    ...createAdmission(core, stopping.signal),
    audit: (full) => core.audit(full ? 'full' : 'explained'),
    acceptStream: (stream) => acceptStream(database, stream),
    takeOrderId: async () => `ORD${(await ids.take(1))[0]}`,
    keys: postgresOperatorKeys(database),
    sessions: postgresOperatorSessions(database),
    keyRing: createKeyRing(core),
    demo: wantsDemo(config) ? { feed: streams.streams, resource: core.resource } : undefined,
    hasRoom: gate.hasRoom,
    readiness,
    draining,
    remarks: { streams: streams.remark },
    registry,
    isTransient: isTransientDatabaseError,
    tracing: core.tracing.requests,
    emit,
  });
  lifecycle.defer('http', async () => {
    // Right after the connections and requests that have come were read: what waits unread when listening ends is reset.
    await new Promise(setImmediate);
    await http.close();
  });
  // Closed first: a server waits for its last answer, and these may wait for news that does not come.
  lifecycle.defer('buyers who wait', () => stopping.abort());
  return http.listen(splitAddr(config.addr));
}

function createLimits(config: Config): RequestLimits {
  return new RequestLimits(
    { perSecond: config.saleUserRate, burst: config.saleUserBurst },
    { perSecond: config.saleAddressRate, burst: config.saleAddressBurst },
  );
}

function createAdmission({ config, database, streams }: Core, signal: AbortSignal) {
  return {
    admission: new Admission(streams.checkout, { maxWaiting: config.saleMaxWaiting, maxBatch: 100 }),
    // Apart, so that asking where one stands takes nothing from buying.
    buyLimits: createLimits(config),
    lookLimits: createLimits(config),
    purchases: new PurchaseStatus({
      rows: postgresProgress(database),
      places: streams.places,
      signal,
    }),
  };
}

/** It has a patience of its own; a look that is not answered must not stand in the way of the next. */
const keysDeadlineMs = 3_000;

function createKeyRing({ config, database, emit }: Core): KeyRing {
  const keys = database.withDeadline(keysDeadlineMs);
  return new KeyRing({
    readCredentials: () => readCredentials(keys),
    markUsed: (ids) => markKeysUsed(keys, ids),
    configuredKeys: config.operatorKeys,
    clock: systemClock,
    onFailure: reportFailure(emit, 'database'),
  });
}

function createPayments({
  database,
  ids,
  committed,
  emit,
}: Core): Pick<OrderPaidDeps, 'findInstance' | 'payments' | 'onParked'> {
  const store = database.withDeadline(requestDeadlineMs);
  const book = postgresPayments(store, async () => (await ids.take(1))[0] as bigint);
  const ringAfter = async <T>(done: Promise<T>) => {
    const answer = await done;
    committed.notify();
    return answer;
  };
  const payments: PaymentBook = {
    ...book,
    settleRepeat: (paid) => ringAfter(book.settleRepeat(paid)),
    returnLate: (paid) => ringAfter(book.returnLate(paid)),
  };
  return {
    findInstance: (orderId) => findOrderInstance(store, orderId),
    payments,
    onParked: (item, error) => emit({ type: 'payment parked', item, error }),
  };
}

function createParkedReplay(
  { database, creation, settle, committed, owed, emit }: Core,
  pay: (paid: PaidOrder) => Promise<PaymentAnswer>,
): ParkedReplay {
  return new ParkedReplay({
    payOrder: pay,
    rows: postgresParked(database),
    createInstances: creation.createInstances,
    settle,
    isTransient: isTransientDatabaseError,
    onResolved({ id }, { state, by, resolution }) {
      committed.notify();
      owed.notify();
      emit({ type: 'parked item resolved', id, state, by, resolution });
    },
  });
}
