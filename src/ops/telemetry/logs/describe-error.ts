import { WeirError } from '../../../errors.ts';
import { withoutCredentials } from '../../../lib/credentials.ts';

const mostCauses = 5;

/**
 * Picks the fields that cannot contain secrets: client libraries attach commands, including passwords, to
 * their errors.
 */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: withoutCredentials(String(error)) };
  const errors = error instanceof AggregateError ? error.errors : [];
  const inner = errors.map((one: unknown) => (one instanceof Error ? one.message : String(one))).join('; ');
  const message = [error.message, inner].filter((part) => part !== '').join(': ');
  return {
    type: error.name,
    message: withoutCredentials(message),
    ...('code' in error ? { code: error.code } : {}),
    ...(error instanceof WeirError && error.code !== 'INTERNAL'
      ? { advice: error.advice }
      : { stack: withoutCredentials(error.stack ?? '') }),
    ...(error.cause && depth < mostCauses ? { cause: describeError(error.cause, depth + 1) } : {}),
    // Several tasks or addresses can fail at once, each with its own error.
    ...(errors.length > 0 && depth < mostCauses
      ? { causes: errors.slice(0, mostCauses).map((inner) => describeError(inner, depth + 1)) }
      : {}),
  };
}
