import type { Database } from '../../lib/sql.ts';
import type { NewSession, SessionStore } from '../../ops/access/session.ts';
import { recordActivity } from './activity.ts';

/** Sessions that one key may have open at a time; opening one more ends the oldest. */
const maxPerKey = 50;

export function postgresOperatorSessions(database: Database): SessionStore {
  return {
    addSession({ digest, keyId, proof, lastsMs, replaces }: NewSession, actor) {
      return database.transaction(async (sql) => {
        const [row] = await sql.query<{ expires_at: Date }>(
          `INSERT INTO operator_sessions (hash, key_id, proof, expires_at)
         VALUES ($1, $2, $3, now() + make_interval(secs => $4::double precision / 1000)) RETURNING expires_at`,
          [digest, keyId ?? null, proof ?? null, lastsMs],
        );
        await sql.query(
          `DELETE FROM operator_sessions WHERE expires_at <= now() OR hash = $2 OR hash IN (
           SELECT hash FROM operator_sessions WHERE key_id IS NOT DISTINCT FROM $1
           ORDER BY created_at DESC, hash OFFSET ${maxPerKey})`,
          [keyId ?? null, replaces ?? null],
        );
        const expiresAt = row?.expires_at as Date;
        await recordActivity(sql, actor, {
          action: 'SESSION_OPENED',
          subjectId: actor.name,
          after: { expiresAt },
        });
        return expiresAt;
      });
    },

    removeSession(digest, actor) {
      return database.transaction(async (sql) => {
        const [ended] = await sql.query<{ expires_at: Date }>(
          'DELETE FROM operator_sessions WHERE hash = $1 RETURNING expires_at',
          [digest],
        );
        if (!ended) return;
        const before = { expiresAt: ended.expires_at };
        await recordActivity(sql, actor, { action: 'SESSION_ENDED', subjectId: actor.name, before });
      });
    },
  };
}
