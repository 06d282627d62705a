/** OpenSSL puts numbers, functions and source files around the reason. */
const tlsError = /^[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):.*$/s;

/** The message of an error. For a name with two addresses, such as `localhost`, Node leaves it empty. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message.replace(tlsError, 'TLS: $1');
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return 'code' in error ? String(error.code) : error.name;
}
