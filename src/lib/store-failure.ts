const failures = new WeakSet<Error>();

/** Marks an error that a store or the connection to it raised: a TLS error, for one, carries no SQLSTATE. */
export function markStoreFailure(error: unknown): unknown {
  if (error instanceof Error) failures.add(error);
  return error;
}

export function isStoreFailure(error: unknown): boolean {
  return error instanceof Error && failures.has(error);
}
