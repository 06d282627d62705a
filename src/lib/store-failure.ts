const failures = new WeakSet<Error>();

/** Marks errors raised by a store or the connection to it; a TLS error, for example, has no SQLSTATE. */
export function markStoreFailure(error: unknown): unknown {
  if (error instanceof Error) failures.add(error);
  return error;
}

export function isStoreFailure(error: unknown): boolean {
  return error instanceof Error && failures.has(error);
}
