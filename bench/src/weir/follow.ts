import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Bench } from '../bench.ts';
import type { Program } from './program.ts';

const stalledAfterMs = 60_000;

/** Times are PostgreSQL's, in ms. */
export interface Followed {
  readonly firstCommitMs: number;
  readonly doneMs: number;
}

interface Goal {
  readonly productIds: readonly number[];
  readonly count: number;
  readonly title: string;
  /** Rows from before are not commits of this run. */
  readonly sinceMs: number;
  readonly everyMs?: number;
  readonly onLook?: (rows: number) => void;
}

/**
 * Follows the purchases of some products from the first commit to the moment when every row exists and no
 * batch waits. Polling is cheap on purpose (the last id, one row of the outbox): the rows are counted only
 * near the end.
 */
export async function followToTheEnd(
  bench: Bench,
  client: pg.Client,
  programs: readonly Program[],
  goal: Goal,
): Promise<Followed> {
  const firstId = await readLastId(client);
  let progressAt = performance.now();
  let rows = 0;
  while (true) {
    bench.signal.throwIfAborted();
    for (const program of programs) program.throwIfGone();
    const look = await lookCheaply(client);
    const seen = look.lastId - firstId;
    if (seen > rows) progressAt = performance.now();
    rows = seen;
    goal.onLook?.(rows);
    bench.progress.tick(goal.title, rows, goal.count);
    if (rows >= goal.count && !look.isWaiting) {
      const followed = await countRows(client, goal);
      if (followed !== undefined) return followed;
    }
    if (performance.now() - progressAt > stalledAfterMs) {
      throw new Error(await describeStall(client, programs, goal, rows));
    }
    await sleep(goal.everyMs ?? 25);
  }
}

async function readLastId(client: pg.Client): Promise<number> {
  return (await lookCheaply(client)).lastId;
}

async function lookCheaply(client: pg.Client): Promise<{ lastId: number; isWaiting: boolean }> {
  const { rows } = await client.query<{ last_id: string; is_waiting: boolean }>({
    name: 'look',
    text: `SELECT coalesce((SELECT max(id) FROM instance_logs), 0) AS last_id,
                  EXISTS (SELECT 1 FROM outbox) AS is_waiting`,
  });
  return { lastId: Number(rows[0]?.last_id), isWaiting: rows[0]?.is_waiting ?? true };
}

// One statement has one snapshot, taken when it starts: its result was true at statement_timestamp().
async function countRows(
  client: pg.Client,
  { productIds, count, sinceMs }: Goal,
): Promise<Followed | undefined> {
  const { rows } = await client.query<{
    rows: string;
    first_ms: string;
    now_ms: string;
    is_waiting: boolean;
  }>({
    name: 'count',
    text: `SELECT count(*) AS rows,
                  extract(epoch FROM min(created_at) FILTER (WHERE created_at >= to_timestamp($2 / 1000.0)))
                    * 1000 AS first_ms,
                  extract(epoch FROM statement_timestamp()) * 1000 AS now_ms,
                  EXISTS (SELECT 1 FROM outbox) AS is_waiting
           FROM instance_logs WHERE product_id = ANY($1::bigint[])`,
    values: [productIds, sinceMs],
  });
  const found = rows[0];
  if (found === undefined || found.is_waiting || Number(found.rows) < count) return undefined;
  return { firstCommitMs: Number(found.first_ms), doneMs: Number(found.now_ms) };
}

async function describeStall(
  client: pg.Client,
  programs: readonly Program[],
  goal: Goal,
  seen: number,
): Promise<string> {
  const { rows } = await client.query<{ batches: string }>('SELECT count(*) AS batches FROM outbox');
  return (
    `nothing moved for ${stalledAfterMs / 1000} s at ${seen} of ${goal.count} rows, ` +
    `${rows[0]?.batches} batches waiting; weir's last lines:\n${programs[0]?.readLogTail()}`
  );
}
