import type { Core } from './core.ts';
import { createHttpServer } from './http/server.ts';
import { splitAddr } from './lib/address.ts';
import { gather } from './lib/gather.ts';
import { measureReadiness } from './metrics/stores.ts';
import type { Order } from './orders/order.ts';
import { ParkedDesk } from './parked/replay.ts';
import { acceptStream } from './postgres/audit-streams.ts';
import { InstanceQueries } from './postgres/instance-queries.ts';
import { PostgresOrders } from './postgres/orders.ts';
import { retryInstance } from './postgres/overdue.ts';
import { listParked, postgresParked } from './postgres/parked.ts';
import { PostgresProducts } from './postgres/products.ts';
import { recordRefund, requestRefund } from './postgres/refunds.ts';
import { readTimeline } from './postgres/timeline.ts';
import { isTransientDatabaseError } from './postgres/transient.ts';
import { wantsDemo } from './stores.ts';
import type { Telemetry } from './telemetry.ts';
import { type PaidOrder, payOrder } from './triggers/order-paid.ts';

/** @returns the address that it listens on */
export async function addHttp(core: Core, { registry }: Telemetry): Promise<string> {
  const { config, notify, lifecycle, readiness, database, ids, gate, streams } = core;
  const orders = new PostgresOrders(database);
  const queries = new InstanceQueries(database);
  // One commit at a time fills the next one better: at 64 connections a quarter more requests than with two.
  const gathered = { maxItems: 500, maxInFlight: 1 };
  const findOrder = gather((wanted: string[]) => orders.findOrders(wanted), gathered);
  const createInstance = gather(core.creation.createInstances, gathered);
  const refund = async (order: Order) => {
    const [requestId] = await ids.take(1);
    await requestRefund(database, order, requestId as bigint);
    core.committed.ring();
  };
  measureReadiness(registry, readiness);
  const desk = createDesk(core);
  const http = await createHttpServer({
    config,
    products: new PostgresProducts(database),
    orders: {
      findOrder,
      createOrder: (order) => orders.createOrder(order),
      findOrderByKey: (key) => orders.findOrderByKey(key),
      cancelOrder: (id) => orders.cancelOrder(id),
    },
    payOrder: (paid: PaidOrder) => payOrder({ findOrder, createInstance, requestRefund: refund }, paid),
    recordRefund: (orderId) => recordRefund(database, orderId),
    instances: {
      findInstance: (id) => queries.findInstance(id),
      listInstances: (filter, limit, cursor) => queries.listInstances(filter, limit, cursor),
      tellTimeline: (instance) => readTimeline(database, instance),
    },
    createInstance,
    settleResult: gather(core.settle, gathered),
    async retryInstance(instanceId, by) {
      const found = await retryInstance(database, instanceId, config.stuckDeadlineMs, by);
      core.committed.ring();
      return found;
    },
    stats: queries,
    parked: {
      listParked: (filter, limit, cursor) => listParked(database, filter, limit, cursor),
      findParked: (id) => postgresParked(database).findParked(id),
      replay: (id, by) => desk.replay(id, by),
      discard: (id, by, reason) => desk.discard(id, by, reason),
    },
    sales: streams.sales,
    audit: (full) => core.audit(full ? 'full' : 'explained'),
    acceptStream: (stream) => acceptStream(database, stream),
    takeOrderId: async () => `ORD${(await ids.take(1))[0]}`,
    feed: wantsDemo(config) ? streams.streams : undefined,
    hasRoom: gate.hasRoom,
    readiness,
    registry,
    isTransient: isTransientDatabaseError,
    tracing: core.tracing.requests,
    notify,
  });
  lifecycle.defer('http', () => http.close());
  return http.listen(splitAddr(config.addr));
}

function createDesk({ database, creation, settle, committed, notify }: Core): ParkedDesk {
  return new ParkedDesk({
    rows: postgresParked(database),
    createInstances: creation.createInstances,
    settle,
    isTransient: isTransientDatabaseError,
    onResolved({ id }, { state, by, resolution }) {
      committed.ring();
      notify({ type: 'parked item resolved', id, state, by, resolution });
    },
  });
}
