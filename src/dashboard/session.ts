import { signal } from '@preact/signals';
import type { Scope, Session } from '../api/answers.ts';
import { call, get, Problem } from './api.ts';

/** undefined: not known yet; null: this browser has none, and `whyEnded` says what became of it. */
export const session = signal<Session | null | undefined>(undefined);
export const whyEnded = signal<'never' | 'ended' | 'loggedOut'>('never');

/** @throws Problem other than 401, Unreachable */
export async function findSession(): Promise<void> {
  try {
    session.value = await get<Session>('session');
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    loseSession();
  }
}

/** The key goes to the server once and comes back as a cookie that no script can read. */
export async function logIn(key: string): Promise<void> {
  await call('POST', 'session', { body: { key } });
  await findSession();
}

export async function logOut(): Promise<void> {
  await call('DELETE', 'session');
  session.value = null;
  whyEnded.value = 'loggedOut';
}

/** Also when it has run out while the page was open. */
export function loseSession(): void {
  if (session.value) whyEnded.value = 'ended';
  session.value = null;
}

/** Until it is known what this browser may do, nothing is closed to it: the server judges. */
export function may(scope: Scope): boolean {
  return session.value === undefined || (session.value?.scopes.includes(scope) ?? false);
}
