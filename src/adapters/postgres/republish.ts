import { createEventEncoder, type EventSpec, encodeTimestamp } from '../../core/instance/instance-created.ts';
import type { InstanceId, UserId } from '../../core/instance/purchase.ts';
import type { HistoryCause } from '../../core/instance/timeline.ts';
import { numberArray, type Sql } from '../../lib/sql.ts';
import { enqueue } from './enqueue.ts';
import { recordHistory } from './instance-history.ts';

/** What the event of an instance is rebuilt from. */
export interface PublishedRow {
  instance_id: string;
  product_id: string;
  user_id: string;
  /** NULL for a row older than these columns: today's product and the commit's time are used instead. */
  product_version: number | null;
  event_at: Date | null;
  /** NULL only for a row written by hand. */
  created_at: Date | null;
}

export const publishedColumns =
  'instance_id::text, product_id::text, user_id::text, product_version, event_at, created_at';

interface SpecRow extends EventSpec {
  product_id: string;
  version: number;
  is_current: boolean;
}

/**
 * Writes the events of these instances to the outbox again, in the caller's transaction: the same ids and
 * bytes, rebuilt from the product version of that time (docs/decisions/0012).
 *
 * @returns the ids of instances that are not published because their product no longer exists or their time
 * is unknown
 */
export async function republish(
  sql: Sql,
  rows: readonly PublishedRow[],
  actor: string,
  cause: HistoryCause,
): Promise<string[]> {
  const specs = await findSpecs(sql, rows);
  const messages = [];
  const lost: string[] = [];
  for (const row of rows) {
    const spec = specs(row);
    const eventAt = row.event_at ?? row.created_at;
    if (!spec || !eventAt) {
      lost.push(row.instance_id);
      continue;
    }
    const instanceId = BigInt(row.instance_id) as InstanceId;
    const encode = createEventEncoder(spec);
    const timestamp = encodeTimestamp(eventAt.getTime());
    messages.push({
      id: row.instance_id,
      body: encode(instanceId, BigInt(row.user_id) as UserId, timestamp),
    });
    await recordHistory(sql, instanceId, 'REPUBLISHED', cause, actor);
  }
  await enqueue(sql, 'AGAIN', messages);
  return lost;
}

/** The product in the row's version, otherwise in today's. */
async function findSpecs(
  sql: Sql,
  rows: readonly PublishedRow[],
): Promise<(row: PublishedRow) => EventSpec | undefined> {
  const found = await sql.query<SpecRow>(
    `SELECT id::text AS product_id, version, name, cpus, memory_mb AS "memoryMb", gpu, image, TRUE AS is_current
     FROM products WHERE id = ANY ($1::bigint[])
     UNION ALL
     SELECT product_id::text, version, name, cpus, memory_mb, gpu, image, FALSE
     FROM product_versions JOIN unnest($1::bigint[], $2::int[]) AS wanted (product_id, version)
     USING (product_id, version)`,
    [
      numberArray(rows.map(({ product_id }) => BigInt(product_id))),
      numberArray(rows.map(({ product_version }) => product_version ?? 0)),
    ],
  );
  const byVersion = new Map(found.map((spec) => [`${spec.product_id} ${spec.version}`, spec]));
  const current = new Map(found.filter((spec) => spec.is_current).map((spec) => [spec.product_id, spec]));
  return (row) => byVersion.get(`${row.product_id} ${row.product_version}`) ?? current.get(row.product_id);
}
