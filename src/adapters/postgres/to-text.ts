/** PostgreSQL text holds no NUL and no lone surrogates. */
export function toText(value: string): string {
  return value.replaceAll('\0', '\u2400').toWellFormed();
}
