import type { Sql } from '../../lib/sql.ts';

/** After this many failures a unit is parked; the delays add up to about two hours. */
export const maxRestockAttempts = 20;

/** Requests the restock of a parked unit again, with one attempt; if that fails it is parked again. */
export async function requeueParkedUnit(sql: Sql, stream: string, entryId: string): Promise<void> {
  await sql.query(
    `UPDATE compensations SET restock_attempts = $3, restock_due_at = '-infinity'
     WHERE kind = 'RESTOCK' AND status = 'REQUESTED' AND source = 'SECKILL' AND scope = $1 AND source_id = $2`,
    [stream, entryId, maxRestockAttempts - 1],
  );
}

/** An operator has decided not to restock a parked unit: its compensation ends. */
export async function waiveParkedUnit(sql: Sql, stream: string, entryId: string): Promise<void> {
  await sql.query(
    `UPDATE compensations SET status = 'DONE', outcome = 'NO_SALE', done_at = clock_timestamp()
     WHERE kind = 'RESTOCK' AND status = 'REQUESTED' AND source = 'SECKILL' AND scope = $1 AND source_id = $2`,
    [stream, entryId],
  );
}
