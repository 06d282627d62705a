export interface Statement {
  text: string;
  /** Prepared once per connection under this name, if the store prepares statements. */
  name?: string;
  /** Small enough that planning would take longer than running: the plan of its name is kept. */
  keepsPlan?: boolean;
}

/**
 * 64-bit integers are returned as decimal strings, timestamps as Date, bytes as Buffer, by every database.
 */
export interface Sql {
  query<Row>(statement: Statement | string, values?: readonly unknown[]): Promise<Row[]>;
  /** Several statements separated by semicolons, without parameters. */
  runScript(script: string): Promise<void>;
}

export interface TransactionOptions {
  /** Losing this commit in a crash is harmless, so it does not wait for the disk. */
  asynchronousCommit?: boolean;
  /** Every statement sees the same snapshot (REPEATABLE READ). */
  oneSnapshot?: boolean;
  /** The server ends the session when the transaction is idle for longer, which frees its locks. */
  idleTimeoutMs?: number;
  /** Like `keepsPlan` of a statement, for all of its statements. */
  keepsPlans?: boolean;
}

export interface Database extends Sql {
  transaction<T>(work: (sql: Sql) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * The same store with another deadline: each statement fails when it is not answered within this time; 0:
   * no limit.
   */
  withDeadline(deadlineMs: number): Database;
  /**
   * A few separate connections with a short deadline, so that queries of operators cannot delay purchases.
   */
  readonly reads: Database;
  close(): Promise<void>;
}

/** An array literal for text: `$1::text[]`. Quotes everything, so that NULL and commas remain text. */
export function textArray(values: readonly string[]): string {
  return `{${values.map(quoteElement).join(',')}}`;
}

/** An array literal for numbers: `$1::bigint[]`. */
export function numberArray(values: readonly (bigint | number)[]): string {
  return `{${values.join(',')}}`;
}

function quoteElement(value: string): string {
  return `"${/["\\]/.test(value) ? value.replace(/["\\]/g, '\\$&') : value}"`;
}
