import type { Sql, Statement } from '../../lib/sql.ts';
import { lastIssued } from './last-issued.ts';

/** Counts the events in the outbox; each count may write a mark (table outbox_marks). */
export function createWaitingCounter(sql: Sql): () => Promise<number> {
  const schedule = new MarkSchedule();
  return async () => {
    const [row] = await sql.query<{ waiting: string; newest: string }>(countAndMark, [schedule.isDue]);
    const waiting = Number(row?.waiting ?? 0);
    schedule.observe(waiting, row?.newest ?? '');
    return waiting;
  };
}

/**
 * Writes a mark while anything is moving: the age of the oldest unpublished batch. With one mark a second, the
 * publication time of every instance is known without a write for each (src/adapters/postgres/timeline.ts).
 */
const countAndMark: Statement = {
  name: 'weir-outbox-count',
  text: `
WITH seen AS (
  SELECT coalesce(sum(events), 0) AS waiting, min(created_at) FILTER (WHERE kind = 'CREATED') AS since FROM outbox
), newest AS (
  SELECT ${lastIssued('outbox_id_seq')} AS id
), marked AS (
  INSERT INTO outbox_marks (at, waiting, waiting_since, published) SELECT now(), waiting, since,
    (SELECT coalesce(sum(events), 0) FROM published WHERE kind IN ('CREATED', 'AGAIN')) FROM seen
  WHERE $1::boolean ON CONFLICT DO NOTHING
)
SELECT waiting::text, newest.id::text AS newest FROM seen, newest`,
};

/**
 * Writes a few more marks after the outbox is empty: a mark counts only for instances committed a second
 * before it.
 */
class MarkSchedule {
  #left = 0;
  #newest = '';

  get isDue(): boolean {
    return this.#left > 0;
  }

  observe(waiting: number, newest: string): void {
    const isMoving = waiting > 0 || newest !== this.#newest;
    this.#newest = newest;
    this.#left = isMoving ? marksAfterMoving : Math.max(0, this.#left - 1);
  }
}

const marksAfterMoving = 6;
