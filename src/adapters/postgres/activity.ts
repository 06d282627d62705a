import type { Actor } from '../../core/actor.ts';
import { failpoint } from '../../lib/failpoint.ts';
import type { Database, Sql } from '../../lib/sql.ts';
import { type Change, subjectOf } from '../../ops/activity/activity.ts';
import { toText } from './to-text.ts';

/**
 * Writes one record per change, in the transaction `sql` of that change: either both are committed or
 * neither. Call it only when something changed; a repeat leaves no record.
 */
export async function recordActivity(sql: Sql, actor: Actor, ...changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return;
  await sql.query(
    `INSERT INTO activity (actor, key_id, via, request_id, action, subject_kind, subject_id, before, after)
     SELECT $1, $2, $3, $4, action, subject_kind, subject_id, before, after FROM jsonb_to_recordset($5::jsonb)
       AS t (action text, subject_kind text, subject_id text, before jsonb, after jsonb)`,
    [
      ...[toText(actor.name), actor.keyId ?? null, actor.via, actor.requestId ?? null],
      JSON.stringify(changes.map(toRow), toStorable),
    ],
  );
  failpoint('after-activity');
}

function toRow({ action, subjectId, before, after }: Change) {
  return { action, subject_kind: subjectOf[action], subject_id: subjectId, before, after };
}

function toStorable(_: string, value: unknown): unknown {
  if (typeof value === 'string') return toText(value);
  return typeof value === 'bigint' ? value.toString() : value;
}

const rowsPerStep = 1_000;

/**
 * The only way to delete records; a trigger on the table checks the age limit again. @returns how many were
 * deleted
 */
export function removeActivity(database: Database, olderThanMs: number): Promise<number> {
  return database.transaction(async (sql) => {
    await sql.query(
      `SELECT set_config('weir.remove_activity_before', (now() - make_interval(secs => $1 / 1000.0))::text, TRUE)`,
      [olderThanMs],
    );
    const rows = await sql.query(
      `DELETE FROM activity WHERE id IN (
         SELECT id FROM activity WHERE at < now() - make_interval(secs => $1 / 1000.0) ORDER BY at, id LIMIT $2)
       RETURNING 1`,
      [olderThanMs, rowsPerStep],
    );
    return rows.length;
  });
}
