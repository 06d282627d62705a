const failures = new WeakSet<Error>();

/** Marks an error as one that a store or the way to it raised, not the program: a TLS error carries no SQLSTATE. */
export function markStoreFailure(error: unknown): unknown {
  if (error instanceof Error) failures.add(error);
  return error;
}

export function isStoreFailure(error: unknown): boolean {
  return error instanceof Error && failures.has(error);
}
