import type { Sql } from '../../lib/sql.ts';
import type { NewSession, SessionStore } from '../../ops/access/session.ts';

/** What one key may have open at a time; the oldest ends when one more is opened. */
const maxPerKey = 50;

export function postgresOperatorSessions(sql: Sql): SessionStore {
  return {
    async addSession({ digest, keyId, proof, lastsMs }: NewSession) {
      const [row] = await sql.query<{ expires_at: Date }>(
        `INSERT INTO operator_sessions (hash, key_id, proof, expires_at)
         VALUES ($1, $2, $3, now() + make_interval(secs => $4::double precision / 1000)) RETURNING expires_at`,
        [digest, keyId ?? null, proof ?? null, lastsMs],
      );
      await sql.query(
        `DELETE FROM operator_sessions WHERE expires_at <= now() OR hash IN (
           SELECT hash FROM operator_sessions WHERE key_id IS NOT DISTINCT FROM $1
           ORDER BY created_at DESC, hash OFFSET ${maxPerKey})`,
        [keyId ?? null],
      );
      return row?.expires_at as Date;
    },

    async removeSession(digest) {
      await sql.query('DELETE FROM operator_sessions WHERE hash = $1', [digest]);
    },
  };
}
