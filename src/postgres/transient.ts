// SQLSTATE classes (PostgreSQL documentation, appendix A) in which the same statement may succeed later.
const transientClasses = new Set([
  '08', // connection exception
  '40', // serialization failure, deadlock
  '53', // insufficient resources: disk full, too many connections
  '55', // object not in prerequisite state: lock not available
  '57', // operator intervention: shutdown, cannot connect now, query cancelled
  '58', // system error
]);

/** 42P01 and 3D000, a database that is still being set up, count too; 25006 is a standby that will be promoted. */
const transientCodes = new Set(['42P01', '3D000', '25006', '25P03']);

/**
 * Whether trying again may help. A broken connection has no SQLSTATE, and neither has a COMMIT whose answer was
 * lost: its outcome is unknown, so it counts as transient and the caller repeats idempotently.
 */
export function isTransientDatabaseError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === undefined) return isConnectionFailure(error.message);
  if (/^[0-9A-Z]{5}$/.test(code)) return transientClasses.has(code.slice(0, 2)) || transientCodes.has(code);
  return /^E[A-Z_]+$/.test(code);
}

function isConnectionFailure(message: string): boolean {
  return /connection|timeout|timed out|not queryable|client was closed|pool after calling end/i.test(message);
}
