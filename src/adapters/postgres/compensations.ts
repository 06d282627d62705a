import type { Actor } from '../../core/actor.ts';
import type { Compensation } from '../../core/compensation/compensation.ts';
import { createRefundRequest, type RequestMessage } from '../../core/compensation/request-messages.ts';
import type {
  ClaimedUnits,
  FailedUnits,
  HeldUnit,
  RestockRows,
  UnitAnswer,
  UnitOutcome,
} from '../../core/compensation/restock.ts';
import type { ProductId, SourceId, UserId } from '../../core/instance/purchase.ts';
import { streamOf } from '../../core/triggers/seckill-key.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { type Database, numberArray, type Sql, textArray } from '../../lib/sql.ts';
import { recordActivity } from './activity.ts';
import { enqueue } from './enqueue.ts';
import { parkItems } from './parked.ts';
import { maxRestockAttempts } from './parked-units.ts';
import { nextRequestAt } from './refund-waits.ts';
import { nameRefundedPayments } from './refunded-payments.ts';
import { toText } from './to-text.ts';

/**
 * Records the compensations and requests the refunds, in the caller's transaction. The unique key (source,
 * source_id, scope) makes it idempotent: a second call for the same purchase changes and requests nothing.
 */
export async function compensate(sql: Sql, owed: readonly Compensation[]): Promise<void> {
  const named = await nameRefundedPayments(sql, owed);
  const requests = named.map((each) =>
    each.kind === 'REFUND' ? createRefundRequest(toRefund(each), Date.now()) : undefined,
  );
  const inserted = await sql.query<{ ordinal: number }>(
    `WITH input AS (
       SELECT * FROM jsonb_to_recordset($1::jsonb) AS t (ordinal int, kind text, source text, source_id text, scope text,
         product_id bigint, user_id bigint, instance_id bigint, amount_cents bigint, reason text, message_id text,
         request text, payment_id text)
     ), written AS (
       INSERT INTO compensations (kind, source, source_id, scope, product_id, user_id, instance_id, amount_cents, reason,
         status, outcome, done_at, message_id, request, next_request_at, payment_id)
       SELECT kind, source, source_id, scope, product_id, user_id, instance_id, amount_cents, reason,
         CASE kind WHEN 'NOTHING' THEN 'DONE' ELSE 'REQUESTED' END, CASE kind WHEN 'NOTHING' THEN kind END,
         CASE kind WHEN 'NOTHING' THEN now() END, message_id, decode(request, 'hex'),
         CASE kind WHEN 'REFUND' THEN ${nextRequestAt('1')} END, payment_id
       FROM input ORDER BY source, scope, source_id
       ON CONFLICT (source, source_id, scope) DO NOTHING RETURNING source, source_id, scope
     )
     SELECT ordinal FROM input JOIN written USING (source, source_id, scope) ORDER BY ordinal`,
    [JSON.stringify(named.map((each, ordinal) => toRow(each, ordinal, requests[ordinal])))],
  );
  const sent = inserted.map(({ ordinal }) => requests[ordinal]).filter((request) => request !== undefined);
  await enqueue(sql, 'REFUND', sent);
}

/** The request is stored as it is first sent, and sent again byte for byte until the refund is reported. */
function toRow(owed: Compensation, ordinal: number, request: RequestMessage | undefined) {
  return {
    ordinal,
    kind: owed.kind,
    source: owed.source,
    source_id: owed.sourceId,
    scope: owed.scope,
    product_id: owed.productId.toString(),
    user_id: owed.userId.toString(),
    instance_id: owed.instanceId?.toString() ?? null,
    amount_cents: owed.amountCents?.toString() ?? null,
    reason: owed.reason,
    message_id: request?.id ?? null,
    request: request?.body.toString('hex') ?? null,
    payment_id: owed.paymentId ?? null,
  };
}

function toRefund({ sourceId, instanceId, requestId = 0n, ...rest }: Compensation) {
  return { ...rest, orderId: sourceId, instanceId: instanceId ?? requestId };
}

interface UnitRow {
  id: string;
  stream: string;
  entryId: SourceId;
  userId: string;
}

const longestRestockWaitSeconds = 600;

type RestockWork = Parameters<RestockRows['claim']>[1];

/**
 * Compensations of kind RESTOCK that the counters of the sale have not applied yet; those that never failed
 * come first.
 */
export function postgresRestocks(database: Database) {
  return {
    // The row lock is the claim, as for outbox batches: two replicas never work on the same unit.
    claim: (limit: number, work: RestockWork) =>
      database.transaction((sql) => claimUnits(sql, 'FOR UPDATE SKIP LOCKED', limit, work), {
        idleTimeoutMs: 60_000,
      }),
    requeueRestock: (productId: ProductId, since: Date | undefined, actor: Actor) =>
      requeueRestock(database, productId, since, actor),
  };
}

/** For a database with one process and one session, which must stay free while the counters are changed. */
export function unlockedRestocks(database: Database): RestockRows {
  return { claim: (limit, work) => claimUnits(database, '', limit, work) };
}

async function claimUnits(
  sql: Sql,
  lock: 'FOR UPDATE SKIP LOCKED' | '',
  limit: number,
  work: RestockWork,
): Promise<ClaimedUnits> {
  const rows = await sql.query<UnitRow>(
    `SELECT id::text, scope AS stream, source_id AS "entryId", user_id::text AS "userId"
       FROM compensations
       WHERE kind = 'RESTOCK' AND status = 'REQUESTED' AND restock_due_at <= now()
       ORDER BY restock_due_at, compensations.id LIMIT $1 ${lock}`,
    [limit],
  );
  if (rows.length === 0) return { units: 0, outcomes: [], failed: undefined };
  const answers = await work(rows.map(toHeldUnit));
  failpoint('after-restock');
  return { units: rows.length, ...(await recordAnswers(sql, rows, answers)) };
}

/**
 * For a Redis that has lost restocks. Units restocked at or after `since` (undefined: ever) are requested
 * once more; the counters apply each only once, so those that are still in place do not change.
 *
 * @returns how many units were requested
 */
function requeueRestock(
  database: Database,
  productId: ProductId,
  since: Date | undefined,
  actor: Actor,
): Promise<number> {
  return database.transaction(async (sql) => {
    const [counted] = await sql.query<{ units: number }>(
      `WITH owed AS (
       UPDATE compensations SET status = 'REQUESTED', outcome = NULL, done_at = NULL, restock_attempts = 0, restock_due_at = '-infinity',
         restock_error = NULL
       WHERE kind = 'RESTOCK' AND outcome = 'RESTOCKED' AND scope = $1 AND done_at >= coalesce($2::timestamptz, '-infinity')
       RETURNING 1)
     SELECT count(*)::int AS units FROM owed`,
      [streamOf(productId), since ?? null],
    );
    const units = counted?.units ?? 0;
    if (units > 0) {
      const after = { units, since };
      await recordActivity(sql, actor, { action: 'SALE_RESTOCKED', subjectId: productId.toString(), after });
    }
    return units;
  });
}

function toHeldUnit({ stream, entryId, userId }: UnitRow): HeldUnit {
  return { stream, entryId, userId: BigInt(userId) as UserId };
}

async function recordAnswers(
  sql: Sql,
  rows: readonly UnitRow[],
  answers: readonly UnitAnswer[],
): Promise<Omit<ClaimedUnits, 'units'>> {
  const done: { id: string; outcome: UnitOutcome }[] = [];
  const failed: FailedRow[] = [];
  const later: UnitRow[] = [];
  rows.forEach((row, i) => {
    const answer = answers[i] ?? { failed: 'no answer' };
    if (typeof answer === 'string') done.push({ id: row.id, outcome: answer });
    else if ('later' in answer) later.push(row);
    else failed.push({ ...row, why: answer.failed });
  });
  const outcomes = done.length > 0 ? await finish(sql, done) : [];
  if (later.length > 0) await waitForSale(sql, later);
  return { outcomes, failed: failed.length > 0 ? await delayUnits(sql, failed) : undefined };
}

/** Counts no attempt, and sorts these units behind those of other sales. */
async function waitForSale(sql: Sql, rows: readonly UnitRow[]): Promise<void> {
  await sql.query(
    `UPDATE compensations SET restock_due_at = clock_timestamp() + interval '1 s' WHERE id = ANY ($1::bigint[])`,
    [numberArray(rows.map(({ id }) => BigInt(id)))],
  );
}

/** @returns the outcomes of those that were still REQUESTED */
async function finish(
  sql: Sql,
  done: readonly { id: string; outcome: UnitOutcome }[],
): Promise<UnitOutcome[]> {
  const rows = await sql.query<{ outcome: UnitOutcome }>(
    `UPDATE compensations SET status = 'DONE', outcome = done.outcome, done_at = clock_timestamp()
     FROM unnest($1::bigint[], $2::text[]) AS done (id, outcome)
     WHERE compensations.id = done.id AND compensations.status = 'REQUESTED' RETURNING compensations.outcome`,
    [numberArray(done.map(({ id }) => BigInt(id))), textArray(done.map(({ outcome }) => outcome))],
  );
  return rows.map(({ outcome }) => outcome);
}

type FailedRow = UnitRow & { why: string };

/** Each unit has a delay of its own, doubled each time; after the last attempt an operator decides. */
async function delayUnits(sql: Sql, failed: readonly FailedRow[]): Promise<FailedUnits | undefined> {
  const rows = await sql.query<{ id: string; attempts: number }>(
    `UPDATE compensations SET restock_attempts = restock_attempts + 1, restock_error = failed.why,
       restock_due_at = CASE WHEN restock_attempts + 1 >= $3 THEN 'infinity' ELSE clock_timestamp() + make_interval(
         secs => least($4::float8, power(2, least(restock_attempts, 30)))) END
     FROM unnest($1::bigint[], $2::text[]) AS failed (id, why)
     WHERE compensations.id = failed.id AND compensations.status = 'REQUESTED'
     RETURNING compensations.id::text, restock_attempts AS attempts`,
    [
      numberArray(failed.map(({ id }) => BigInt(id))),
      textArray(failed.map(({ why }) => toText(why))),
      maxRestockAttempts,
      longestRestockWaitSeconds,
    ],
  );
  if (rows.length === 0) return undefined;
  const attempts = new Map(rows.map((row) => [row.id, row.attempts]));
  const hopeless = failed.filter(({ id }) => (attempts.get(id) ?? 0) >= maxRestockAttempts);
  if (hopeless.length > 0) await parkItems(sql, hopeless.map(toParkedUnit));
  return { count: rows.length, parked: hopeless.length, why: failed[0]?.why ?? '' };
}

function toParkedUnit({ stream, entryId, userId, why }: FailedRow) {
  return {
    origin: 'COMPENSATION' as const,
    reason: 'RESTOCK_FAILED' as const,
    detail: why,
    params: { error: why },
    source: 'SECKILL',
    scope: stream,
    sourceId: entryId,
    original: Buffer.from(JSON.stringify({ stream, entryId, userId })),
  };
}
