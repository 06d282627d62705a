import type { OpenRefund, Order, OrderStory } from '../../api/answers.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { counted, type ListOptions, printList } from '../client/list-pages.ts';
import { exitCodes } from '../exit-codes.ts';
import { printJson, printLine } from '../output/output.ts';
import { printFields, printTable, showTime } from '../output/table.ts';
import { readTime } from './read-time.ts';

interface OrderFilterOptions extends ListOptions {
  status?: string;
  product?: string;
  user?: string;
  paymentId?: string;
  openRefund?: true;
  from?: string;
  to?: string;
}

export function listOrders(options: OrderFilterOptions): Promise<number> {
  const { status, product, user, paymentId, openRefund, from, to } = options;
  const query = {
    ...{ status, productId: product, userId: user, paymentId, openRefund: openRefund && 'true' },
    ...counted,
    from: from && readTime('--from', from),
    to: to && readTime('--to', to),
  };
  return printList<Order>('/v1/orders', query, options, (items) => {
    if (items.length === 0) printLine('no orders');
    else printOrders(items);
  });
}

function printOrders(items: readonly Order[]): void {
  printTable(
    [
      'ORDER',
      'STATUS',
      { title: 'CENTS', rank: 1 },
      { title: 'INSTANCE', rank: 2 },
      { title: 'CREATED', rank: 3 },
      { title: 'USER', rank: 4 },
      { title: 'PRODUCT', rank: 5 },
    ],
    items.map(({ id, status, amountCents, instanceId, createdAt, userId, productId }) => [
      ...[id, status, amountCents, instanceId ?? '-'],
      ...[showTime(createdAt), userId, productId],
    ]),
  );
}

export function listRefunds(options: ListOptions & { order?: string }): Promise<number> {
  return printList<OpenRefund>('/v1/refunds', { orderId: options.order, ...counted }, options, (items) => {
    if (items.length === 0) printLine('no open refunds');
    else printRefunds(items);
  });
}

function printRefunds(items: readonly OpenRefund[]): void {
  printTable(
    [
      'ORDER',
      { title: 'PAYMENT', rank: 1 },
      { title: 'CENTS', rank: 2 },
      { title: 'REASON', rank: 3, isProse: true },
      { title: 'REQUESTED', rank: 4 },
      { title: 'INSTANCE', rank: 5 },
      { title: 'USER', rank: 6 },
      { title: 'PRODUCT', rank: 7 },
    ],
    items.map(({ orderId, paymentId, amountCents, reason, requestedAt, instanceId, userId, productId }) => [
      ...[orderId, paymentId ?? '-', amountCents ?? '-', reason, showTime(requestedAt)],
      ...[instanceId ?? '-', userId, productId],
    ]),
  );
}

export async function showOrder(orderId: string, options: ApiOptions & { json?: boolean }): Promise<number> {
  const order = await new Api(options).get<OrderStory>(`/v1/orders/${encodeURIComponent(orderId)}`);
  if (options.json) {
    printJson(order);
    return exitCodes.ok;
  }
  const { timeline, payments, ...row } = order;
  printFields(Object.entries(row).map(([name, value]) => [name, String(value ?? '')]));
  if (payments.length > 0) printPayments(payments);
  printLine();
  printTable(
    ['AT', 'STEP', { title: 'DETAIL', isProse: true }, { title: 'BY', rank: 1 }],
    timeline.map(({ at, code, params, by }) => [showTime(at), code, describeParams(params), by]),
    { whole: true },
  );
  return exitCodes.ok;
}

function printPayments(payments: OrderStory['payments']): void {
  printLine();
  printTable(
    [
      { title: 'PAYMENT', isProse: true },
      'OUTCOME',
      { title: 'CENTS', rank: 1 },
      { title: 'RECORDED', rank: 2 },
      { title: 'REFUNDED', rank: 3 },
    ],
    payments.map(({ paymentId, webhookId, outcome, amountCents, recordedAt, refundedAt }) => [
      ...[paymentId ?? webhookId ?? '-', outcome, amountCents ?? '-'],
      ...[showTime(recordedAt), showTime(refundedAt)],
    ]),
    { whole: true },
  );
}

/** `amountCents: 19900, cause: PAID_LATE` */
function describeParams(params: Readonly<Record<string, string | null>>): string {
  return Object.entries(params)
    .flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]))
    .join(', ');
}
