export interface NewSession {
  /** SHA-256 of the cookie. */
  digest: Buffer;
  keyId: string | undefined;
  proof: Buffer | undefined;
  lastsMs: number;
}

export interface SessionStore {
  /** @returns when the session expires, by the database's clock */
  addSession(session: NewSession): Promise<Date>;
  removeSession(digest: Buffer): Promise<void>;
}
