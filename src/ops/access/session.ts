import type { Actor } from '../../core/actor.ts';

export interface NewSession {
  /** SHA-256 of the cookie. */
  digest: Buffer;
  keyId: string | undefined;
  proof: Buffer | undefined;
  lastsMs: number;
  /** SHA-256 of the cookie of the session that this one takes the place of. */
  replaces?: Buffer | undefined;
}

export interface SessionStore {
  /** @returns when it ends by itself, by the database's clock */
  addSession(session: NewSession, actor: Actor): Promise<Date>;
  removeSession(digest: Buffer, actor: Actor): Promise<void>;
}
