/** PostgreSQL text cannot hold NUL or lone surrogates. */
export function toText(value: string): string {
  return value.replaceAll('\0', '\u2400').toWellFormed();
}
