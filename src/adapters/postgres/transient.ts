import { WeirError } from '../../errors.ts';
import { isStoreFailure } from '../../lib/store-failure.ts';

/**
 * SQLSTATE classes (PostgreSQL documentation, appendix A) that the values of a statement cause: data and
 * integrity.
 */
const rowClasses = new Set(['22', '23']);

/**
 * 21000: the same row twice in one statement. 27000, 44000, P0001: a trigger or a view refused the row. 54000: a value
 * too large for an index.
 */
const rowCodes = new Set(['21000', '27000', '44000', '54000', 'P0001']);

/** Every SQLSTATE has a digit; EPIPE has none. */
const sqlState = /^(?=.*\d)[0-9A-Z]{5}$/;

/**
 * Whether trying again may help. Only an error that a row can cause is blamed on the row, which is then
 * split off and parked. Every other error of the database, a pooler or the connection (a refused login, a
 * missing grant, a lost prepared statement, a certificate) is independent of the rows, and the caller
 * repeats them idempotently. The same holds for a COMMIT whose answer was lost: it has no SQLSTATE, and its
 * outcome is unknown.
 */
export function isTransientDatabaseError(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof WeirError) return false;
  const code = sqlStateOf(error);
  if (code !== undefined) return !isRowError(code);
  return isStoreFailure(error) || isUnavailable(error);
}

/** Whether a row of the statement caused it. */
export function isRowError(code: string): boolean {
  return rowClasses.has(code.slice(0, 2)) || rowCodes.has(code);
}

export function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && sqlState.test(code) ? code : undefined;
}

/** SQLSTATE classes that pass by waiting, without an operator. */
const waitingClasses = new Set([
  '08', // connection exception
  '40', // serialization failure, deadlock
  '53', // insufficient resources: disk full, too many connections
  '55', // object not in prerequisite state: lock not available
  '57', // operator intervention: shutdown, cannot connect now, query cancelled
  '58', // system error
]);

/**
 * 42P01 and 3D000 (a database that is still being set up) count too; 25006 is a standby that may be
 * promoted.
 */
const waitingCodes = new Set(['42P01', '3D000', '25006', '25P03']);

/**
 * Whether the database is down, starting or failing over, as opposed to rejecting the configuration: a
 * start waits for the first and fails at the second.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const state = sqlStateOf(error);
  if (state !== undefined) return waitingClasses.has(state.slice(0, 2)) || waitingCodes.has(state);
  const code = codeOf(error);
  if (code === undefined) return isConnectionFailure(error.message);
  return systemFailure.test(code) && !code.startsWith('ERR_');
}

/** Error codes that Node takes from the operating system: ECONNREFUSED, EPIPE, EAI_AGAIN. */
const systemFailure = /^E[A-Z0-9_]+$/;

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function isConnectionFailure(message: string): boolean {
  return /connection|timeout|timed out|not queryable|client was closed|pool after calling end/i.test(message);
}
