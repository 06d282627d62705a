/**
 * Each scope includes those before it. read: view everything; act: repair existing items; admin: change
 * sales, products, keys, results.
 */
export const scopes = ['read', 'act', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export function reaches(scope: Scope, needed: Scope): boolean {
  return scopes.indexOf(scope) >= scopes.indexOf(needed);
}

/** `act` → `read`, `act`. */
export function listScopes(scope: Scope): Scope[] {
  return scopes.filter((lesser) => reaches(scope, lesser));
}
