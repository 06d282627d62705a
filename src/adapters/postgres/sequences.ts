import { type Database, type Sql, textArray } from '../../lib/sql.ts';
import { forgetCounts } from './audit-checkpoint.ts';
import { lastIssued } from './last-issued.ts';
import { migrationLock, readTableNames } from './migrate.ts';
import { quoteIdentifier } from './session-settings.ts';

interface SequenceBehind {
  sequence: string;
  table: string;
  column: string;
  /** The last value issued. */
  issued: bigint;
  /** The highest value in use, in the table or as the position of a cursor over it. */
  used: bigint;
}

/** Positions that new rows must stay above: no cursor reads lower ids again. */
const cursors: Readonly<Record<string, readonly string[]>> = {
  instance_logs: ['SELECT max(id) FROM overdue_cursor', 'SELECT max(instance_log_id) FROM audit_checkpoint'],
  embedded_stream: ['SELECT max(entry) FROM embedded_cursor'],
};

/** Compares every sequence of Weir's tables with its table and the cursors over that. */
export async function findSequencesBehind(sql: Sql): Promise<SequenceBehind[]> {
  const sequences = await sql.query<{ sequence: string; table: string; column: string }>(
    `SELECT sequences.relname AS sequence, tables.relname AS table, attname AS column
     FROM pg_class AS sequences
     JOIN pg_depend ON objid = sequences.oid AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i')
       AND refclassid = 'pg_class'::regclass
     JOIN pg_class AS tables ON tables.oid = refobjid AND tables.relnamespace = current_schema()::regnamespace
     JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
     WHERE sequences.relkind = 'S' AND tables.relname = ANY ($1::text[]) ORDER BY 2, 3`,
    [textArray(await readTableNames())],
  );
  if (sequences.length === 0) return [];
  const rows = await sql.query<{ index: number; issued: string; used: string }>(
    sequences.map((sequence, index) => readSequence(sequence, index)).join(' UNION ALL '),
  );
  return rows
    .map(({ index, issued, used }) => ({
      ...(sequences[index] as (typeof sequences)[number]),
      issued: BigInt(issued),
      used: BigInt(used),
    }))
    .filter(({ issued, used }) => issued < used);
}

function readSequence(
  { sequence, table, column }: { sequence: string; table: string; column: string },
  index: number,
): string {
  const positions = [`SELECT max(${column}) FROM ${table}`, ...(cursors[table] ?? [])];
  return `SELECT ${index} AS index,
    ${lastIssued(quoteIdentifier(sequence))}::text AS issued,
    greatest(0, ${positions.map((position) => `(${position})`).join(', ')})::text AS used`;
}

/** Other sessions may take values while the sequence is being raised. */
const slack = 1_000n;

/**
 * Raises every sequence that is behind. Rows inserted below a cursor meanwhile would never be read, so the
 * cursors over instance_logs restart.
 *
 * @returns what was behind
 * @throws the database's error when the role may not set a sequence
 */
export async function raiseSequences(database: Database): Promise<SequenceBehind[]> {
  if ((await findSequencesBehind(database)).length === 0) return [];
  return database.transaction(async (sql) => {
    await sql.query(migrationLock);
    const behind = await findSequencesBehind(sql);
    for (const { sequence, table, issued, used } of behind) {
      await sql.query('SELECT setval($1::text::regclass, $2::bigint)', [
        quoteIdentifier(sequence),
        (used + slack).toString(),
      ]);
      if (table === 'instance_logs') await restartCursors(sql, issued);
    }
    return behind;
  });
}

async function restartCursors(sql: Sql, issued: bigint): Promise<void> {
  await sql.query('UPDATE overdue_cursor SET id = 0 WHERE id > $1', [issued.toString()]);
  const counted = await sql.query<{ id: string }>(
    'SELECT 1 FROM audit_checkpoint WHERE instance_log_id > $1',
    [issued.toString()],
  );
  if (counted.length > 0) await forgetCounts(sql);
}

export function describeSequence({ sequence, table, issued, used }: SequenceBehind): string {
  return `sequence ${sequence} is at ${issued}, and ${table} is at ${used}`;
}

export function repairStatement({ sequence, used }: SequenceBehind): string {
  return `SELECT setval('${sequence}', ${used + slack})`;
}
