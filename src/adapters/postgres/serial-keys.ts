/** Tables whose primary key comes from a sequence; a test compares them with the schema. */
export const serialTables: Readonly<Record<string, string>> = {
  activity: 'id',
  compensations: 'id',
  embedded_queue: 'id',
  embedded_stream: 'entry',
  instance_history: 'id',
  instance_logs: 'id',
  operator_keys: 'id',
  outbox: 'id',
  parked: 'id',
  parked_jobs: 'id',
  sales: 'id',
  settle_marks: 'id',
};

/**
 * A key issued by a sequence exists already, so the sequence is behind its table: logical replication and a
 * data-only restore do not copy sequences. No row is invalid, and none is a repeat.
 */
class SequenceBehindError extends Error {
  constructor(table: string, column: string, cause: Error) {
    const sequence = `${table}_${column}_seq`;
    super(
      `cannot insert into ${table}: sequence ${sequence} is behind the table, as after a copy that left sequences out; ` +
        `run SELECT setval('${sequence}', (SELECT max(${column}) FROM ${table}))`,
      { cause },
    );
    this.name = 'SequenceBehindError';
  }
}

/** @returns undefined when the error has another cause */
export function toSequenceBehindError(error: unknown): SequenceBehindError | undefined {
  if (!(error instanceof Error) || !('code' in error) || error.code !== '23505') return undefined;
  const constraint = 'constraint' in error ? String(error.constraint) : '';
  const table = constraint.endsWith('_pkey') ? constraint.slice(0, -'_pkey'.length) : '';
  const column = Object.hasOwn(serialTables, table) ? serialTables[table] : undefined;
  return column === undefined ? undefined : new SequenceBehindError(table, column, error);
}
