/** Each may do what those before it may: look; move what is there; decide what is sold, who may, what is taken as true. */
export const scopes = ['read', 'act', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export function reaches(scope: Scope, needed: Scope): boolean {
  return scopes.indexOf(scope) >= scopes.indexOf(needed);
}

/** `act` → `read`, `act`. */
export function listScopes(scope: Scope): Scope[] {
  return scopes.filter((lesser) => reaches(scope, lesser));
}
