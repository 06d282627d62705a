/**
 * SQL for the highest value that a sequence has issued, 0 before the first one. `last_value` alone is 1 both before and after
 * the first row, so a reader that remembers it as issued would skip that row.
 */
export function lastIssued(sequence: string): string {
  return `(SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM ${sequence})`;
}
