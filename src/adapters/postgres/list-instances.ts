import type { InstanceLog } from '../../core/instance/instance-log.ts';
import type { Database, Sql } from '../../lib/sql.ts';
import { findRanges } from './find-ranges.ts';
import { findIdBounds, type IdBounds } from './id-bounds.ts';
import { type InstanceLogRow, instanceLogColumns, toInstanceLog } from './instance-log-row.ts';
import { planByIndex } from './plan-by-index.ts';

export interface InstanceFilter {
  /** Any id: of the instance, of the purchase at its source, or of the user. */
  q?: string | undefined;
  source?: string | undefined;
  sourceId?: string | undefined;
  productId?: string | undefined;
  userId?: string | undefined;
  status?: string | undefined;
  /** true: past its deadline without a result. */
  overdue?: boolean | undefined;
  /** Created at or after this time. */
  from?: Date | undefined;
  /** Created before this time. */
  to?: Date | undefined;
}

interface InstancePage {
  items: InstanceLog[];
  nextCursor: string | undefined;
}

type Row = InstanceLogRow & { id: string };

/** How many ids the first query covers: some milliseconds, whatever the filter. */
const youngest = 20_000n;

/**
 * Newest first. The status has no index, and user and product share a coarse one, because every index makes
 * each purchase slower (docs/decisions/0011, 0017). Most pages are filled from the youngest rows; older
 * rows are found through other tables. test/contract/list-instances-plans.test.ts checks the plan behind
 * each planner hint below.
 */
export async function listInstances(
  database: Database,
  filter: InstanceFilter,
  limit: number,
  cursor: string | undefined,
): Promise<InstancePage> {
  const bounds = await findIdBounds(database, filter.from, filter.to, cursor);
  const rows = await findRows(database, filter, limit + 1, bounds);
  const page = rows.slice(0, limit);
  return { items: page.map(toInstanceLog), nextCursor: rows.length > limit ? page.at(-1)?.id : undefined };
}

async function findRows(
  database: Database,
  filter: InstanceFilter,
  limit: number,
  { after, upTo }: IdBounds,
): Promise<Row[]> {
  if (filter.q !== undefined || (filter.sourceId !== undefined && filter.source === undefined)) {
    return search(database, filter, limit, { after, upTo }, anyIdOf(filter));
  }
  if (filter.sourceId !== undefined) return search(database, filter, limit, { after, upTo }, undefined);
  if (filter.overdue) return search(database, filter, limit, { after, upTo }, overdueOnes);
  const border = upTo - youngest > after ? upTo - youngest : after;
  const young = await select(database, youngestRows, filter, limit, { after: border, upTo });
  if (young.length === limit || border === after) return young;
  const missing = limit - young.length;
  const below = { after, upTo: border };
  const older = isInCountedTimes(filter)
    ? await readRanges(database, filter, missing, below)
    : await search(database, filter, missing, below, candidatesOf(filter));
  return [...young, ...older];
}

const youngestRows = `(SELECT * FROM instance_logs WHERE id <= $3 ORDER BY id DESC LIMIT ${youngest}) AS instance_logs`;

/** Whether counted_times shows where such rows are, and no other table does. */
function isInCountedTimes(filter: InstanceFilter): boolean {
  const { q, source, sourceId, status, productId, userId, overdue } = filter;
  const isBySource = source !== undefined && status === undefined;
  const hasOtherCondition = (q ?? sourceId ?? productId ?? userId) !== undefined;
  return !hasOtherCondition && !overdue && (isBySource || status === 'SUCCESS');
}

async function readRanges(
  database: Database,
  filter: InstanceFilter,
  limit: number,
  bounds: IdBounds,
): Promise<Row[]> {
  return database.transaction(async (sql) => {
    // Descending by id, and no further than the last row of the page.
    await planByIndex(sql, ['seqscan', 'bitmapscan', 'sort']);
    const rows: Row[] = [];
    for await (const range of findRanges(sql, filter, bounds)) {
      rows.push(...(await select(sql, 'instance_logs', filter, limit - rows.length, range)));
      if (rows.length === limit) break;
    }
    return rows;
  });
}

interface Candidates {
  /** Selects the keys that the rows are joined by. `with`: common table expressions in front of it. */
  select: string;
  by: 'id' | 'instance_id';
  with?: string;
  values: unknown[];
}

/** For few rows in a large table. The settings end with the transaction. */
function search(
  database: Database,
  filter: InstanceFilter,
  limit: number,
  bounds: IdBounds,
  candidates: Candidates | undefined,
): Promise<Row[]> {
  return database.transaction(async (sql) => {
    // Without fresh statistics the planner expects to find a rare row soon, and scans the whole table.
    await sql.query('SET LOCAL enable_seqscan = off');
    await sql.query('SET LOCAL max_parallel_workers_per_gather = 0');
    if (!candidates && isSelective(filter)) await sql.query('SET LOCAL enable_indexscan = off');
    return select(sql, 'instance_logs', filter, limit, bounds, candidates);
  });
}

function isSelective({ userId, productId, source }: InstanceFilter): boolean {
  return userId !== undefined || productId !== undefined || source !== undefined;
}

/**
 * `+ 0`, `|| ''` and `+ interval '0'` keep the planner from using an index on a condition that matches many
 * rows.
 */
function select(
  sql: Sql,
  from: string,
  filter: InstanceFilter,
  limit: number,
  { after, upTo }: IdBounds,
  candidates?: Candidates,
): Promise<Row[]> {
  const values: unknown[] = [limit, after.toString(), upTo.toString(), ...(candidates?.values ?? [])];
  const isById = isInCountedTimes(filter) || !(candidates || isSelective(filter));
  const id = isById ? 'instance_logs.id' : '(instance_logs.id + 0)';
  const conditions = [`${id} > $2`, `${id} <= $3`, ...conditionsOf(filter, values)];
  const found = candidates ? `found AS MATERIALIZED (${candidates.select})` : '';
  const begin = [candidates?.with, found].filter(Boolean).join(', ');
  return sql.query<Row>(
    `${begin === '' ? '' : `WITH RECURSIVE ${begin}`} SELECT id::text, ${instanceLogColumns}
     FROM ${from} ${candidates ? `JOIN found USING (${candidates.by})` : ''}
     WHERE ${conditions.join(' AND ')} ORDER BY instance_logs.id DESC LIMIT $1`,
    values,
  );
}

const equalColumns = {
  source: 'source',
  sourceId: 'source_id',
  productId: 'product_id',
  userId: 'user_id',
  status: 'status',
} as const;

const isListed = 'EXISTS (SELECT 1 FROM overdue WHERE overdue.instance_id = instance_logs.instance_id)';
const overdueOnes: Candidates = { select: 'SELECT instance_id FROM overdue', by: 'instance_id', values: [] };

/** Appends the values of the conditions to `values`. */
function conditionsOf(filter: InstanceFilter, values: unknown[]): string[] {
  const conditions: string[] = [];
  const isByKey = filter.sourceId !== undefined;
  const byPages = !isByKey && ((filter.userId ?? filter.productId) !== undefined || isInCountedTimes(filter));
  for (const [name, column] of Object.entries(equalColumns) as [keyof typeof equalColumns, string][]) {
    if (filter[name] === undefined) continue;
    const compared = name === 'source' && byPages ? "source || ''" : column;
    conditions.push(`${compared} = $${values.push(filter[name])}`);
  }
  // A settled row stays in overdue until it is due.
  if (filter.overdue) conditions.push(`status = 'PROCESSING' AND ${isListed}`);
  const created = "created_at + interval '0'";
  if (filter.from) conditions.push(`${created} >= $${values.push(filter.from)}`);
  if (filter.to) conditions.push(`${created} < $${values.push(filter.to)}`);
  return conditions;
}

/** Steps from one source to the next through the unique key: as many index reads as there are sources. */
const allSources = `sources AS (
    (SELECT source FROM instance_logs ORDER BY source LIMIT 1)
    UNION ALL SELECT (SELECT source FROM instance_logs WHERE source > sources.source ORDER BY source LIMIT 1)
    FROM sources WHERE sources.source IS NOT NULL)`;

function anyIdOf({ q, sourceId }: InstanceFilter): Candidates {
  const id = q ?? sourceId ?? '';
  const bySourceId = `SELECT instance_logs.id FROM sources JOIN instance_logs ON instance_logs.source = sources.source
    AND source_id = $4`;
  if (q === undefined || !isInt64(q)) {
    return { with: allSources, select: bySourceId, by: 'id', values: [id] };
  }
  return {
    with: allSources,
    by: 'id',
    select: `${bySourceId} UNION SELECT id FROM instance_logs WHERE instance_id = $5
      UNION SELECT id FROM instance_logs WHERE user_id = $5`,
    values: [id, id],
  };
}

function isInt64(text: string): boolean {
  return /^[1-9]\d{0,18}$/.test(text) && BigInt(text) <= 9_223_372_036_854_775_807n;
}

/**
 * PROCESSING: rows below both cursors are listed in overdue. FAILED: each has a compensation. undefined: no
 * other table lists such rows.
 */
function candidatesOf({ status, source, productId, userId }: InstanceFilter): Candidates | undefined {
  if (status === 'PROCESSING') {
    return {
      select: `SELECT instance_id FROM instance_logs WHERE status = 'PROCESSING' AND id > (SELECT greatest(
          (SELECT overdue_cursor.id FROM overdue_cursor), (SELECT instance_log_id FROM audit_checkpoint)))
        UNION SELECT instance_id FROM overdue`,
      by: 'instance_id',
      values: [],
    };
  }
  if (status === 'FAILED') {
    return {
      select: `SELECT instance_id FROM compensations WHERE instance_id IS NOT NULL AND ($4::text IS NULL OR source = $4)
        AND ($5::bigint IS NULL OR product_id = $5) AND ($6::bigint IS NULL OR user_id = $6)`,
      by: 'instance_id',
      values: [source ?? null, productId ?? null, userId ?? null],
    };
  }
  return undefined;
}
