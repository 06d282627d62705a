import type { Scope, Session } from '../api/answers.ts';
import { call, get, Problem } from './api.ts';

let session: Session | undefined;

export function currentSession(): Session | undefined {
  return session;
}

/** @returns whether this browser may see anything */
export async function findSession(): Promise<boolean> {
  try {
    session = await get<Session>('session');
    return true;
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    session = undefined;
    return false;
  }
}

/** The key goes to the server once and comes back as a cookie that no script can read. */
export async function logIn(key: string): Promise<void> {
  await call('POST', 'session', { body: { key } });
  await findSession();
}

export async function logOut(): Promise<void> {
  await call('DELETE', 'session');
}

export function forgetSession(): void {
  session = undefined;
}

export function may(scope: Scope): boolean {
  return session?.scopes.includes(scope) ?? false;
}
