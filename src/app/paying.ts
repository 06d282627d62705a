import { postgresInstanceLogs } from '../adapters/postgres/instance-logs.ts';
import { postgresOrders } from '../adapters/postgres/orders.ts';
import { postgresPayments } from '../adapters/postgres/payments.ts';
import type { PaymentBook } from '../core/orders/payment-book.ts';
import type { CreateInstance } from '../core/triggers/any-source.ts';
import { type PaidOrder, type PaymentAnswer, payOrder } from '../core/triggers/order-paid.ts';
import { gather } from '../lib/gather.ts';
import { notifyAfter } from '../lib/signal.ts';
import { type Components, requestDeadlineMs } from './components.ts';

export type PayingParts = Pick<
  Components,
  'database' | 'ids' | 'committed' | 'emit' | 'creation' | 'requestCreation'
>;

// One commit at a time fills the next one better: a quarter more requests at 64 connections than with two.
export const gathered = { maxItems: 500, maxInFlight: 1, maxWaitMs: 5_000 };

export type Paying = ReturnType<typeof createPaying>;

/** How payments and other single purchases become instances: those of one moment share a commit. */
export function createPaying(components: PayingParts) {
  const { database, ids, committed, emit, requestCreation } = components;
  const store = database.withDeadline(requestDeadlineMs);
  const orders = postgresOrders(store);
  const findOrder = gather((wanted: string[]) => orders.findOrders(wanted), gathered);
  const createInstance: CreateInstance = gather(requestCreation.createInstances, gathered);
  const book = postgresPayments(store, async () => (await ids.take(1))[0] as bigint);
  const after = notifyAfter(committed);
  const payments: PaymentBook = {
    ...book,
    settleRepeat: after(book.settleRepeat),
    returnLate: after(book.returnLate),
  };
  const deps = {
    ...{ findOrder, createInstance, payments, findInstance: postgresInstanceLogs(store).findInstance },
    onParked: (...[item, error]: Parameters<Parameters<typeof payOrder>[0]['onParked']>) =>
      emit({ type: 'payment parked', item, error }),
  };
  return {
    ...{ findOrder, createInstance, findPayments: book.findPayments },
    payOrder: (paid: PaidOrder): Promise<PaymentAnswer> => payOrder(deps, paid),
  };
}
