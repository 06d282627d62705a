import { type Sql, textArray } from '../../lib/sql.ts';
import type { EntryKey, ProgressRows, Restocked, Settled } from '../../sale/purchase-progress.ts';
import { type InstanceLogRow, instanceLogColumns, toInstanceLog } from './instance-log-row.ts';

interface ProgressRow extends InstanceLogRow {
  nth: number;
  owed_status: string | null;
  owed_outcome: Restocked['status'] | null;
  owed_at: Date | null;
  conflict_at: Date | null;
}

interface ParkedRow {
  nth: number;
  reason: string;
  state: string;
  parked_at: Date;
}

/** What the database knows of entries of seckill streams. */
export function postgresProgress(sql: Sql): ProgressRows {
  return {
    async findProgress(keys) {
      const found: (Settled | undefined)[] = keys.map(() => undefined);
      for (const row of await findInstances(sql, keys)) {
        const instance = toInstanceLog(row);
        const state = instance.status === 'PROCESSING' ? 'CREATED' : instance.status;
        const conflictAt = row.conflict_at ?? undefined;
        found[row.nth] = { state, instance, restocked: toRestocked(row), conflictAt };
      }
      if (found.every(Boolean)) return found;
      for (const { nth, state, reason, parked_at } of await findParked(sql, keys)) {
        found[nth] ??= {
          state: state === 'PARKED' ? 'PARKED' : 'DISCARDED',
          reason,
          parkedAt: parked_at,
        };
      }
      return found;
    },
  };
}

const asked = `unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (scope, source_id, ordinal)`;

function findInstances(sql: Sql, keys: readonly EntryKey[]): Promise<ProgressRow[]> {
  return sql.query(
    `SELECT (ordinal - 1)::int AS nth, log.*, owed.status AS owed_status, owed.outcome AS owed_outcome,
       coalesce(owed.done_at, owed.created_at) AS owed_at, conflict.parked_at AS conflict_at
     FROM ${asked}
     JOIN LATERAL (SELECT ${instanceLogColumns} FROM instance_logs WHERE source = 'SECKILL' AND instance_logs.source_id = asked.source_id
       AND instance_logs.scope = asked.scope
       UNION ALL SELECT ${instanceLogColumns} FROM archived_purchases WHERE source = 'SECKILL'
       AND archived_purchases.source_id = asked.source_id AND archived_purchases.scope = asked.scope LIMIT 1) AS log ON TRUE
     LEFT JOIN compensations AS owed ON owed.source = 'SECKILL' AND owed.source_id = asked.source_id
       AND owed.scope = asked.scope
     LEFT JOIN parked AS conflict ON conflict.origin = 'STREAM' AND conflict.source = 'SECKILL'
       AND conflict.scope = asked.scope AND conflict.source_id = asked.source_id
       AND conflict.reason = 'PURCHASE_CONFLICT' AND conflict.state = 'PARKED'`,
    toValues(keys),
  );
}

function findParked(sql: Sql, keys: readonly EntryKey[]): Promise<ParkedRow[]> {
  return sql.query(
    `SELECT (ordinal - 1)::int AS nth, reason, state, parked_at FROM ${asked}
     JOIN parked ON parked.origin = 'STREAM' AND parked.source = 'SECKILL' AND parked.scope = asked.scope
       AND parked.source_id = asked.source_id WHERE state <> 'REPLAYED'`,
    toValues(keys),
  );
}

function toValues(keys: readonly EntryKey[]): string[] {
  return [textArray(keys.map(({ stream }) => stream)), textArray(keys.map(({ entryId }) => entryId))];
}

function toRestocked({ owed_status, owed_outcome, owed_at }: ProgressRow): Restocked | undefined {
  if (!owed_status || !owed_at) return undefined;
  return { status: owed_outcome ?? 'REQUESTED', at: owed_at };
}
