import type { Actor } from '../../core/actor.ts';
import type { Compensation } from '../../core/compensation/compensation.ts';
import { owedFor } from '../../core/compensation/compensation.ts';
import type { InstanceId, ProductId, Source, SourceId, UserId } from '../../core/instance/purchase.ts';
import { resourceDomain, weir } from '../../core/instance/timeline.ts';
import {
  asksForRelease,
  classifyResult,
  type Ending,
  type Settled,
} from '../../core/results/classify-result.ts';
import type { InstanceResult } from '../../core/results/result.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { type Database, numberArray, type Sql, textArray } from '../../lib/sql.ts';
import { recordActivity } from './activity.ts';
import { compensate } from './compensations.ts';
import { recordHistory } from './instance-history.ts';
import { mostRowsOfKeptPlan } from './kept-plans.ts';
import { requestReleases } from './releases.ts';

/** The actor of Weir's own decisions. */
export const byWeir = weir;

/**
 * ONE commit for a batch of results: rows become terminal, known orders move on, failures are compensated,
 * and late or contradicting results are recorded. Returns outcomes in the order of the results.
 */
export function settleResults(database: Database, results: readonly InstanceResult[]): Promise<Settled[]> {
  return database.transaction(
    async (sql) => {
      const settled = await settleOn(sql, results, resourceDomain);
      failpoint('before-settle');
      return settled;
    },
    { keepsPlans: results.length <= mostRowsOfKeptPlan },
  );
}

/** Settles one instance with the result that an operator states. */
export function settleByHand(database: Database, result: InstanceResult, actor: Actor): Promise<Settled> {
  return database.transaction(async (sql) => {
    const [settled = 'unknown'] = await settleOn(sql, [result], actor.name);
    if (settled === 'applied') {
      await recordActivity(sql, actor, {
        action: 'INSTANCE_SETTLED',
        subjectId: result.instanceId.toString(),
        before: { status: 'PROCESSING' },
        after: { status: result.status, reason: result.reason || undefined },
      });
    }
    return settled;
  });
}

/** The same in the caller's transaction. `actor`: the origin of the results. */
export async function settleOn(
  sql: Sql,
  results: readonly InstanceResult[],
  actor: string,
): Promise<Settled[]> {
  // Of two results for one instance in a batch the first is applied, and the second is compared with it.
  const first = new Map<InstanceId, InstanceResult>();
  for (const result of results) if (!first.has(result.instanceId)) first.set(result.instanceId, result);
  const { failed, notApplied } = await applyResults(sql, [...first.values()]);
  if (failed.length > 0) await compensate(sql, failed);
  const open = results.filter(
    (result) => first.get(result.instanceId) !== result || notApplied.has(result.instanceId),
  );
  // A timeout by Weir itself is no conflict: a result that came first stands.
  if (actor === byWeir) return results.map((result) => (open.includes(result) ? 'repeat' : 'applied'));
  const judged =
    open.length > 0 ? await classifyOthers(sql, open, actor) : new Map<InstanceResult, Settled>();
  return results.map((result) => judged.get(result) ?? 'applied');
}

interface FailedRow {
  instance_id: string;
  source: string;
  source_id: string;
  scope: string;
  product_id: string;
  user_id: string;
  reason: string;
  amount_cents: string | null;
}

/** Samples stored for each commit, source and outcome: enough for the percentiles of a minute. */
const delaysKept = 20;

/**
 * Sorted by id, so that two replicas with the same results wait for each other instead of deadlocking.
 * Returns only failures and exceptions: reading 500 rows back would cost more than writing them.
 */
const applyStatement = {
  name: 'weir-settle',
  text: `
WITH input AS (
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[])
    AS t (instance_id, status, reason, answered_at) ORDER BY instance_id
), settled AS (
  UPDATE instance_logs SET status = input.status, reason = nullif(input.reason, ''), answered_at = input.answered_at,
    updated_at = now()
  FROM input WHERE instance_logs.instance_id = input.instance_id AND instance_logs.status = 'PROCESSING'
  RETURNING instance_logs.instance_id, source, source_id, scope, product_id, user_id, instance_logs.status,
    instance_logs.reason, created_at
), delays AS (
  SELECT source, status, array_agg(least(greatest(date_part('epoch', now() - created_at) * 1000, 0), 2147483647)::int) AS ms
  FROM settled GROUP BY source, status
), recorded AS (
  INSERT INTO settle_marks (source, status, instances, delays_ms)
  SELECT source, status, cardinality(ms), ARRAY(
    SELECT ms[i] FROM generate_series(1, cardinality(ms), ceil(cardinality(ms) / ${delaysKept}.0)::int) AS i) FROM delays
), moved AS (
  UPDATE orders SET status = CASE settled.status WHEN 'SUCCESS' THEN 'COMPLETED' ELSE 'REFUND_REQUESTED' END,
    updated_at = now()
  FROM settled WHERE settled.source = 'ORDER' AND orders.id = settled.source_id AND orders.status = 'PAID'
  RETURNING orders.id, orders.amount_cents
)
SELECT coalesce((SELECT json_agg(json_build_object('instance_id', instance_id::text, 'source', source,
    'source_id', source_id, 'scope', scope, 'product_id', product_id::text, 'user_id', user_id::text,
    'reason', reason, 'amount_cents', moved.amount_cents::text))
  FROM settled LEFT JOIN moved ON settled.source = 'ORDER' AND moved.id = settled.source_id
  WHERE settled.status = 'FAILED'), '[]') AS failed,
  coalesce((SELECT json_agg(instance_id::text) FROM input
  WHERE instance_id NOT IN (SELECT instance_id FROM settled)), '[]') AS not_applied`,
};

async function applyResults(
  sql: Sql,
  results: readonly InstanceResult[],
): Promise<{ failed: Compensation[]; notApplied: ReadonlySet<InstanceId> }> {
  const [answer] = await sql.query<{ failed: FailedRow[]; not_applied: string[] }>(applyStatement, [
    numberArray(results.map(({ instanceId }) => instanceId)),
    textArray(results.map(({ status }) => status)),
    textArray(results.map(({ reason }) => reason)),
    `{${results.map(({ answeredAt }) => answeredAt?.toISOString() ?? 'NULL').join(',')}}`,
  ]);
  return {
    failed: (answer?.failed ?? []).map(toCompensation),
    notApplied: new Set((answer?.not_applied ?? []).map((id) => BigInt(id) as InstanceId)),
  };
}

function toCompensation(row: FailedRow): Compensation {
  return {
    kind: owedFor(row.source),
    source: row.source as Source,
    sourceId: row.source_id as SourceId,
    scope: row.scope,
    productId: BigInt(row.product_id) as ProductId,
    userId: BigInt(row.user_id) as UserId,
    instanceId: BigInt(row.instance_id),
    amountCents: row.amount_cents === null ? undefined : BigInt(row.amount_cents),
    reason: row.reason,
  };
}

interface EndedRow extends Ending {
  instanceId: string;
  userId: string;
}

/** A second statement, after the update, so that it sees what another replica has settled meanwhile. */
async function classifyOthers(
  sql: Sql,
  results: readonly InstanceResult[],
  actor: string,
): Promise<Map<InstanceResult, Settled>> {
  const rows = await sql.query<EndedRow>(
    `SELECT instance_id::text AS "instanceId", user_id::text AS "userId", status, reason, answered_at AS "answeredAt"
     FROM instance_logs WHERE instance_id = ANY ($1::bigint[])
     UNION SELECT instance_id::text, user_id::text, status, reason, answered_at FROM archived_purchases
     WHERE instance_id = ANY ($1::bigint[])`,
    [numberArray(results.map(({ instanceId }) => instanceId))],
  );
  const endings = new Map(rows.map((row) => [row.instanceId, row]));
  const judged = new Map<InstanceResult, Settled>();
  for (const result of results) {
    const ending = endings.get(result.instanceId.toString());
    const kind = ending ? classifyResult(ending, result) : 'unknown';
    judged.set(result, kind);
    if (!ending || kind === 'repeat') continue;
    const what = kind === 'late' ? 'RESULT_LATE' : 'RESULT_CONFLICT';
    const detail = result.reason === '' ? result.status : `${result.status}: ${result.reason}`;
    await recordHistory(sql, result.instanceId, what, detail, actor);
    if (asksForRelease(ending, result)) {
      const machine = { instanceId: result.instanceId, userId: BigInt(ending.userId) as UserId };
      await requestReleases(sql, [machine], 'NO_OWNER', byWeir);
    }
  }
  return judged;
}
