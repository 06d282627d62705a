import type { Actor } from '../../core/actor.ts';
import {
  createRefundRequest,
  type RequestMessage,
  refundRequested,
} from '../../core/compensation/request-messages.ts';
import type { InstanceId, ProductId, UserId } from '../../core/instance/purchase.ts';
import type { HistoryCause } from '../../core/instance/timeline.ts';
import type { Refund, RefundOperator } from '../../core/orders/order.ts';
import { type Database, numberArray, type Sql, textArray } from '../../lib/sql.ts';
import { recordActivity } from './activity.ts';
import { enqueue } from './enqueue.ts';
import { recordHistory } from './instance-history.ts';
import { findWaitingIds } from './outbox-state.ts';
import { firstWaitMinutes, longestWait, nextRequestAt } from './refund-waits.ts';
import { recordRefund } from './refunds.ts';
import { byWeir } from './settle.ts';

const requestsPerCommit = 200;

interface OpenRefund {
  id: string;
  order_id: string;
  instance_id: string | null;
  product_id: string;
  user_id: string;
  amount_cents: string | null;
  payment_id: string | null;
  reason: string;
  created_at: Date;
  message_id: string | null;
  request: Buffer | null;
}

const refundColumns = `id::text, source_id AS order_id, instance_id::text, product_id::text, user_id::text,
  amount_cents::text, payment_id, reason, created_at, message_id, request`;

/** Refunds as the payment system or an operator reports them, or requests them again. */
export function postgresRefunds(database: Database) {
  return {
    recordRefund: (orderId: string, paymentId?: string, operator?: RefundOperator) =>
      recordRefund(database, orderId, paymentId, operator),
    requestRefundAgain: (orderId: string, actor: Actor) => requestRefundAgain(database, orderId, actor),
  };
}

/**
 * Sends requests again that have not been reported as done, with the same id and bytes, unless the previous
 * message still waits in the outbox or is parked.
 *
 * @returns how many were sent
 */
export function repeatRefundRequests(database: Database): Promise<number> {
  return database.transaction(async (sql) => {
    const refunds = await sql.query<OpenRefund>(
      `SELECT ${refundColumns} FROM compensations WHERE kind = 'REFUND' AND status = 'REQUESTED'
         AND (next_request_at <= now() OR next_request_at > now() + 2 * ${longestWait})
       ORDER BY next_request_at LIMIT ${requestsPerCommit} FOR UPDATE SKIP LOCKED`,
    );
    if (refunds.length === 0) return 0;
    const held = await findHeld(sql, refunds);
    const due = refunds.filter((refund) => !held.has(toMessage(refund).id));
    await sendAgain(sql, due, 'REFUND_NOT_REPORTED', byWeir);
    await sql.query(
      `UPDATE compensations SET next_request_at = now() + make_interval(mins => ${firstWaitMinutes})
       WHERE id = ANY ($1::bigint[])`,
      [idsOf(refunds.filter((refund) => !due.includes(refund)))],
    );
    return due.length;
  });
}

/**
 * An operator's request: sends the open refund requests of one order again immediately.
 *
 * @returns undefined when the order has no open refund
 */
function requestRefundAgain(database: Database, orderId: string, actor: Actor): Promise<Refund | undefined> {
  return database.transaction(async (sql) => {
    const refunds = await sql.query<OpenRefund>(
      `SELECT ${refundColumns} FROM compensations
       WHERE kind = 'REFUND' AND status = 'REQUESTED' AND source = 'ORDER' AND source_id = $1
       ORDER BY compensations.id FOR UPDATE`,
      [orderId],
    );
    const [first] = refunds;
    if (!first) return undefined;
    const waiting = await findWaitingIds(sql, 'REFUND');
    const due = refunds.filter((refund) => !waiting.has(toMessage(refund).id));
    await sendAgain(sql, due, 'ON_REQUEST', actor.name);
    if (due.length > 0) {
      const after = { messageIds: due.map((refund) => toMessage(refund).id) };
      await recordActivity(sql, actor, { action: 'ORDER_REFUND_REQUESTED', subjectId: orderId, after });
    }
    return {
      orderId: first.order_id,
      paymentId: first.payment_id ?? undefined,
      amountCents: first.amount_cents === null ? undefined : BigInt(first.amount_cents),
      reason: first.reason,
      requestedAt: first.created_at,
      refundedAt: undefined,
    };
  });
}

/** Ids of messages that wait in the outbox, or that are parked or discarded. */
async function findHeld(sql: Sql, refunds: readonly OpenRefund[]): Promise<ReadonlySet<string>> {
  const waiting = await findWaitingIds(sql, 'REFUND');
  const parked = await sql.query<{ id: string }>(
    `SELECT source_id AS id FROM parked WHERE origin = 'OUTBOX' AND source = '' AND scope = ''
       AND source_id = ANY ($1::text[]) AND state <> 'REPLAYED'
     UNION SELECT message_id FROM parked WHERE origin = 'DEAD_LETTER' AND message_id = ANY ($1::text[])
       AND state <> 'REPLAYED'`,
    [textArray(refunds.map((refund) => toMessage(refund).id))],
  );
  return new Set([...waiting, ...parked.map(({ id }) => id)]);
}

async function sendAgain(
  sql: Sql,
  refunds: readonly OpenRefund[],
  cause: HistoryCause,
  actor: string,
): Promise<void> {
  if (refunds.length === 0) return;
  const messages = refunds.map(toMessage);
  await sql.query(
    `UPDATE compensations SET requests = requests + 1, next_request_at = ${nextRequestAt('requests + 1')},
       message_id = sent.message_id, request = decode(sent.body, 'hex')
     FROM unnest($1::bigint[], $2::text[], $3::text[]) AS sent (id, message_id, body)
     WHERE compensations.id = sent.id`,
    [
      idsOf(refunds),
      textArray(messages.map(({ id }) => id)),
      textArray(messages.map(({ body }) => body.toString('hex'))),
    ],
  );
  for (const { instance_id } of refunds) {
    if (instance_id === null) continue;
    await recordHistory(sql, BigInt(instance_id) as InstanceId, 'REFUND_REQUESTED_AGAIN', cause, actor);
  }
  await enqueue(sql, 'REFUND', messages);
}

/** The request as it was first sent. Rebuilt from the row only when the row is older than that column. */
function toMessage(refund: OpenRefund): RequestMessage {
  if (refund.message_id !== null && refund.request !== null) {
    return { id: refund.message_id, type: refundRequested, body: Buffer.from(refund.request) };
  }
  return createRefundRequest(
    {
      orderId: refund.order_id,
      // Ids of compensations are too small to collide with instance ids.
      instanceId: BigInt(refund.instance_id ?? refund.id),
      productId: BigInt(refund.product_id) as ProductId,
      userId: BigInt(refund.user_id) as UserId,
      amountCents: refund.amount_cents === null ? undefined : BigInt(refund.amount_cents),
      reason: refund.reason,
      paymentId: refund.payment_id ?? undefined,
    },
    refund.created_at.getTime(),
  );
}

function idsOf(refunds: readonly OpenRefund[]): string {
  return numberArray(refunds.map(({ id }) => BigInt(id)));
}
