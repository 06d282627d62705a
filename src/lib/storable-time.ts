/** Whether every store can hold it: a time of the years 1 to 9999. Beyond, `Date` writes ISO 8601 in a form that PostgreSQL refuses. */
export function isStorableTime(time: Date): boolean {
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9_999;
}
