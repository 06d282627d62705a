export interface Statement {
  text: string;
  /** Prepared once per connection under this name, where the store prepares. */
  name?: string;
}

/** 64-bit integers come as decimal strings, timestamps as Date, bytes as Buffer: the same from every database. */
export interface Sql {
  query<Row>(statement: Statement | string, values?: readonly unknown[]): Promise<Row[]>;
  /** Several statements separated by semicolons, without values. */
  runScript(script: string): Promise<void>;
}

export interface TransactionOptions {
  /** Losing this commit in a crash is harmless: do not wait for the disk. */
  asynchronousCommit?: boolean;
  /** Every statement sees the same moment (REPEATABLE READ). */
  oneSnapshot?: boolean;
  /** The server ends the session when the transaction stands idle for longer, which frees its locks. */
  idleTimeoutMs?: number;
}

export interface Database extends Sql {
  transaction<T>(work: (sql: Sql) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** The same store, where each statement fails when it is not answered within this; 0: it may take any time. */
  withDeadline(deadlineMs: number): Database;
  /** Few connections with a short deadline: what operators look at cannot keep purchases from the store. */
  readonly reads: Database;
  close(): Promise<void>;
}

/** An array literal for text: `$1::text[]`. Quotes everything, so that NULL and commas stay text. */
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
