import type { Actor } from '../../core/actor.ts';
import type { ProductId, SourceId, UserId } from '../../core/instance/purchase.ts';
import type { NewOrder, Order, OrderStatus } from '../../core/orders/order.ts';
import { WeirError } from '../../errors.ts';
import { type Database, type Sql, textArray } from '../../lib/sql.ts';
import { recordActivity } from './activity.ts';

interface OrderRow {
  id: string;
  product_id: string;
  user_id: string;
  status: OrderStatus;
  amount_cents: string;
  created_at: Date;
  updated_at: Date;
  paid_at: Date | null;
  expires_at: Date | null;
}

const columns =
  'id, product_id::text, user_id::text, status, amount_cents::text, created_at, updated_at, paid_at, expires_at';

export function postgresOrders(database: Database) {
  /** In the order of `ids`; undefined for an order that does not exist. */
  async function findOrders(ids: readonly string[]): Promise<(Order | undefined)[]> {
    const rows = await database.query<OrderRow>(
      { name: 'weir-find-orders', text: `SELECT ${columns} FROM orders WHERE id = ANY ($1::text[])` },
      [textArray(ids)],
    );
    const found = new Map(rows.map((row) => [row.id, toOrder(row)]));
    return ids.map((id) => found.get(id));
  }

  async function findOrder(id: string): Promise<Order | undefined> {
    const [order] = await findOrders([id]);
    return order;
  }

  async function findOrderByKey(idempotencyKey: string): Promise<Order | undefined> {
    const [row] = await database.query<OrderRow>(`SELECT ${columns} FROM orders WHERE idempotency_key = $1`, [
      idempotencyKey,
    ]);
    return row && toOrder(row);
  }

  /**
   * A repeat with the same idempotency key (or id) returns the order of the first call.
   *
   * `actor`: an operator; undefined for a shop, whose orders are not operator activity.
   *
   * @throws WeirError IDEMPOTENCY_CONFLICT when the first call had another product or user
   */
  async function createOrder(order: NewOrder, actor?: Actor): Promise<{ created: boolean; order: Order }> {
    const insert = (sql: Sql) =>
      sql.query<OrderRow>(
        `INSERT INTO orders (id, product_id, user_id, amount_cents, idempotency_key, expires_at)
       VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6::double precision / 1000)) ON CONFLICT DO NOTHING RETURNING ${columns}`,
        [
          order.id,
          order.productId.toString(),
          order.userId.toString(),
          order.amountCents.toString(),
          order.idempotencyKey ?? null,
          order.expiresInMs ?? null,
        ],
      );
    const inserted = await (actor === undefined
      ? insert(database)
      : database.transaction(async (sql) => {
          const added = await insert(sql);
          const after = { status: 'PENDING', productId: order.productId, userId: order.userId };
          if (added[0])
            await recordActivity(sql, actor, { action: 'ORDER_CREATED', subjectId: order.id, after });
          return added;
        }));
    if (inserted[0]) return { created: true, order: toOrder(inserted[0]) };
    const rows = await database.query<OrderRow>(
      `SELECT ${columns} FROM orders WHERE idempotency_key = $1 OR id = $2 ORDER BY idempotency_key NULLS LAST LIMIT 1`,
      [order.idempotencyKey ?? null, order.id],
    );
    const first = rows[0] && toOrder(rows[0]);
    if (!first || first.productId !== order.productId || first.userId !== order.userId) {
      throw new WeirError(
        'IDEMPOTENCY_CONFLICT',
        'this Idempotency-Key was used for an order of another product or user',
      );
    }
    return { created: false, order: first };
  }

  /** Cancels a pending order; a repeat returns the cancelled order. */
  async function cancelOrder(
    id: string,
    actor: Actor,
  ): Promise<{ cancelled: boolean; order: Order | undefined }> {
    const cancelled = await database.transaction(async (sql) => {
      const [row] = await sql.query<OrderRow>(
        `UPDATE orders SET status = 'CANCELLED', updated_at = now() WHERE id = $1 AND status = 'PENDING'
         RETURNING ${columns}`,
        [id],
      );
      const change = { before: { status: 'PENDING' }, after: { status: 'CANCELLED' } };
      if (row) await recordActivity(sql, actor, { action: 'ORDER_CANCELLED', subjectId: id, ...change });
      return row;
    });
    if (cancelled) return { cancelled: true, order: toOrder(cancelled) };
    return { cancelled: false, order: await findOrder(id) };
  }

  /**
   * Expires pending orders past their time, except those with a parked payment; replicas share the work.
   *
   * @returns how many expired
   */
  async function expireOrders(limit: number): Promise<number> {
    const rows = await database.query(
      `UPDATE orders SET status = 'EXPIRED', updated_at = now() FROM (
         SELECT id FROM orders WHERE status = 'PENDING' AND expires_at <= now() AND NOT EXISTS (
           SELECT 1 FROM payments WHERE order_id = orders.id AND outcome = 'PARKED') ORDER BY expires_at LIMIT $1
         FOR UPDATE SKIP LOCKED) AS late
       WHERE orders.id = late.id AND status = 'PENDING' RETURNING orders.id`,
      [limit],
    );
    return rows.length;
  }

  return { findOrders, findOrder, findOrderByKey, createOrder, cancelOrder, expireOrders };
}

function toOrder(row: OrderRow): Order {
  return {
    id: row.id as SourceId,
    productId: BigInt(row.product_id) as ProductId,
    userId: BigInt(row.user_id) as UserId,
    status: row.status,
    amountCents: BigInt(row.amount_cents),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    paidAt: row.paid_at ?? undefined,
    expiresAt: row.expires_at ?? undefined,
  };
}
