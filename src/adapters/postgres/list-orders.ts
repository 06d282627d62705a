import type { ProductId, SourceId, UserId } from '../../core/instance/purchase.ts';
import type { OrderStatus } from '../../core/orders/order.ts';
import {
  type ListedOrder,
  type OrderFilter,
  type OrderPage,
  orderStatuses,
} from '../../core/orders/order-filter.ts';
import { WeirError } from '../../errors.ts';
import type { Database, Sql } from '../../lib/sql.ts';
import { isOpenRefund } from './list-refunds.ts';
import { planByIndex } from './plan-by-index.ts';
import { toText } from './to-text.ts';

interface Row {
  id: string;
  productId: string;
  userId: string;
  status: OrderStatus;
  amountCents: string;
  createdAt: Date;
  updatedAt: Date;
  paidAt: Date | null;
  expiresAt: Date | null;
  instanceId: string | null;
}

const columns = `id, product_id::text AS "productId", user_id::text AS "userId", status, amount_cents::text AS "amountCents",
  created_at AS "createdAt", updated_at AS "updatedAt", paid_at AS "paidAt", expires_at AS "expiresAt"`;

/** Also finds archived instances. */
const instanceOf = `coalesce(
  (SELECT instance_id FROM instance_logs WHERE source = 'ORDER' AND source_id = page.id AND scope = ''),
  (SELECT instance_id FROM archived_purchases WHERE source = 'ORDER' AND source_id = page.id AND scope = '')
)::text AS "instanceId"`;

/**
 * Newest first, below the order `cursor`. Each wanted status is one range of an index, read from its newest
 * end, and the ranges are merged: a filter that matches few orders never reads many
 * (test/contract/list-orders-plans.test.ts).
 *
 * @throws WeirError REQUEST_INVALID for a cursor that names no order
 */
export async function listOrders(
  database: Database,
  filter: OrderFilter,
  limit: number,
  cursor: string | undefined,
): Promise<OrderPage> {
  const rows = await database.transaction(async (sql) => {
    if (cursor !== undefined) await requireOrder(sql, cursor);
    await planByIndex(sql);
    const { text, values } = select(filter, limit + 1, cursor);
    return sql.query<Row>(text, values);
  });
  const items = rows.slice(0, limit).map(toListedOrder);
  return { items, nextCursor: rows.length > limit ? items.at(-1)?.id : undefined };
}

async function requireOrder(sql: Sql, cursor: string): Promise<void> {
  const [row] = await sql.query('SELECT 1 FROM orders WHERE id = $1', [toText(cursor)]);
  if (!row) throw new WeirError('REQUEST_INVALID', 'cursor must be the nextCursor of the previous page');
}

function select(
  { status, productId, userId, paymentId, openRefund, from, to }: OrderFilter,
  limit: number,
  cursor: string | undefined,
): { text: string; values: unknown[] } {
  const values: unknown[] = [limit];
  const add = (value: unknown) => `$${values.push(value)}`;
  // `+ 0` keeps the planner from the index on products when a user is given: the user's index holds fewer
  // orders.
  const product = userId === undefined ? 'product_id' : '(product_id + 0)';
  const conditions = [
    ...(productId === undefined ? [] : [`${product} = ${add(productId)}`]),
    ...(userId === undefined ? [] : [`user_id = ${add(userId)}`]),
    ...(from ? [`created_at >= ${add(from)}`] : []),
    ...(to ? [`created_at < ${add(to)}`] : []),
  ];
  if (cursor !== undefined) {
    const id = add(toText(cursor));
    conditions.push(
      `(created_at, id) < ((SELECT created_at FROM orders AS last WHERE last.id = ${id}), ${id})`,
    );
  }
  const named = paymentId === undefined ? openRefund && owing : paidBy(add(paymentId));
  if (named && status !== undefined) conditions.push(`status = ${add(status)}`);
  if (paymentId !== undefined && openRefund) conditions.push(owesRefund);
  const found = named
    ? `(${named} WHERE ${conditions.join(' AND ') || 'TRUE'}) AS found`
    : newestOfEach(status, conditions, add);
  const page = `SELECT ${columns} FROM ${found} ORDER BY created_at DESC, found.id DESC LIMIT $1`;
  return { text: `SELECT page.*, ${instanceOf} FROM (${page}) AS page`, values };
}

function newestOfEach(
  status: OrderStatus | undefined,
  conditions: readonly string[],
  add: (value: unknown) => string,
): string {
  const wanted = add(`{${(status === undefined ? orderStatuses : [status]).join(',')}}`);
  return `unnest(${wanted}::text[]) AS wanted (name) CROSS JOIN LATERAL (
    SELECT * FROM orders WHERE ${[...conditions, 'status COLLATE "C" = wanted.name'].join(' AND ')}
    ORDER BY created_at DESC, id DESC LIMIT $1) AS found`;
}

/** OFFSET 0 keeps the other conditions out of the subquery, so that no other index is chosen. */
const namedBy = (ids: string) => `SELECT given.* FROM (${ids} OFFSET 0) AS named
    CROSS JOIN LATERAL (SELECT * FROM orders WHERE orders.id = named.order_id OFFSET 0) AS given`;

function paidBy(paymentId: string): string {
  return namedBy(`SELECT DISTINCT order_id FROM payments WHERE payment_id = ${paymentId}`);
}

const owing = namedBy(`SELECT DISTINCT source_id AS order_id FROM compensations WHERE ${isOpenRefund}`);
const owesRefund = `EXISTS (SELECT 1 FROM compensations
  WHERE ${isOpenRefund} AND source = 'ORDER' AND source_id = given.id)`;

function toListedOrder(row: Row): ListedOrder {
  return {
    id: row.id as SourceId,
    productId: BigInt(row.productId) as ProductId,
    userId: BigInt(row.userId) as UserId,
    status: row.status,
    amountCents: BigInt(row.amountCents),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    paidAt: row.paidAt ?? undefined,
    expiresAt: row.expiresAt ?? undefined,
    instanceId: row.instanceId ?? undefined,
  };
}
