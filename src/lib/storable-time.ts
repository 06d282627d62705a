/**
 * Whether every store can hold the time: the years 1 to 9999. PostgreSQL refuses the ISO 8601 that `Date`
 * writes beyond.
 */
export function isStorableTime(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9_999;
}
