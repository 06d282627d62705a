import type { Actor } from '../../core/actor.ts';
import { WeirError } from '../../errors.ts';
import { type Database, numberArray, type Sql } from '../../lib/sql.ts';
import type { Credentials } from '../../ops/access/credential-cache.ts';
import {
  maxKeys,
  type NewOperatorKey,
  type OperatorKey,
  type OperatorKeyStore,
} from '../../ops/access/operator-key.ts';
import type { Scope } from '../../ops/access/scope.ts';
import { recordActivity } from './activity.ts';

interface KeyRow {
  id: string;
  name: string;
  scope: Scope;
  created_at: Date;
  created_by: string;
  last_used_at: Date | null;
  expires_at: Date | null;
  revoked_at: Date | null;
  revoked_by: string | null;
}

const columns =
  'id::text, name, scope, created_at, created_by, last_used_at, expires_at, revoked_at, revoked_by';

export function postgresOperatorKeys(database: Database): OperatorKeyStore {
  return {
    async addKey(key: NewOperatorKey, actor) {
      const { name, scope, expiresAt, digest } = key;
      const row = await database.transaction(async (sql) => {
        const [added] = await sql.query<KeyRow>(
          `INSERT INTO operator_keys (name, scope, hash, expires_at, created_by)
         SELECT $1, $2, $3, $4, $5 WHERE (SELECT count(*) FROM operator_keys WHERE revoked_at IS NULL) < ${maxKeys}
         ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING RETURNING ${columns}`,
          [name, scope, digest, expiresAt ?? null, nameOf(actor)],
        );
        if (!added) return undefined;
        const after = { name, scope, expiresAt: expiresAt ?? null };
        await recordActivity(sql, actor, { action: 'KEY_CREATED', subjectId: added.id, after });
        return added;
      });
      if (row) return toKey(row);
      const sameName = await database.query(
        'SELECT 1 FROM operator_keys WHERE name = $1 AND revoked_at IS NULL',
        [name],
      );
      if (sameName.length === 0) throw new WeirError('KEY_LIMIT', `there are already ${maxKeys} valid keys`);
      throw new WeirError('KEY_CONFLICT', `there is already a key ${name}`);
    },

    async listKeys() {
      const rows = await database.query<KeyRow>(
        `SELECT ${columns} FROM operator_keys ORDER BY id DESC LIMIT 5000`,
      );
      return rows.map(toKey);
    },

    revokeKey(id, actor) {
      return database.transaction(async (sql) => {
        const [revoked] = await sql.query<{ at: Date }>(
          `UPDATE operator_keys SET revoked_at = now(), revoked_by = $2 WHERE id = $1 AND revoked_at IS NULL
           RETURNING revoked_at AS at`,
          [id, nameOf(actor)],
        );
        if (revoked) {
          const change = { before: { revokedAt: null }, after: { revokedAt: revoked.at } };
          await recordActivity(sql, actor, { action: 'KEY_REVOKED', subjectId: id, ...change });
        }
        await sql.query('DELETE FROM operator_sessions WHERE key_id = $1', [id]);
        const [row] = await sql.query<KeyRow>(`SELECT ${columns} FROM operator_keys WHERE id = $1`, [id]);
        return row && toKey(row);
      });
    },
  };
}

/**
 * The name that lists of keys show: the column is too short for the user names of every operating system.
 */
function nameOf({ via, name }: Actor): string {
  return via === 'cli' ? 'command line' : name;
}

export function postgresCredentials(database: Database) {
  return {
    readCredentials: () => readCredentials(database),
    markUsed: (ids: readonly string[]) => markKeysUsed(database, ids),
  };
}

/** What a process needs to authenticate callers, without revoked keys and ended sessions. */
async function readCredentials(sql: Sql): Promise<Credentials> {
  const keys = await sql.query<{
    id: string;
    name: string;
    scope: Scope;
    hash: Uint8Array;
    has_expired: boolean;
    is_use_stale: boolean;
  }>({
    name: 'weir-read-keys',
    text: `SELECT id::text, name, scope, hash, coalesce(expires_at <= now(), FALSE) AS has_expired,
             coalesce(last_used_at < now() - interval '1 minute', TRUE) AS is_use_stale
           FROM operator_keys WHERE revoked_at IS NULL`,
  });
  const sessions = await sql.query<{
    hash: Uint8Array;
    key_id: string | null;
    proof: Uint8Array | null;
    expires_at: Date;
  }>({
    name: 'weir-read-sessions',
    text: 'SELECT hash, key_id::text, proof, expires_at FROM operator_sessions WHERE expires_at > now()',
  });
  return {
    keys: keys.map(({ hash, has_expired, is_use_stale, ...key }) => ({
      ...key,
      digest: Buffer.from(hash),
      hasExpired: has_expired,
      isUseStale: is_use_stale,
    })),
    sessions: sessions.map(({ hash, key_id, proof, expires_at }) => ({
      digest: Buffer.from(hash),
      keyId: key_id ?? undefined,
      proof: proof ? Buffer.from(proof) : undefined,
      expiresAt: expires_at,
    })),
  };
}

/** The condition is repeated because another process may have done it a moment ago. */
async function markKeysUsed(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql.query(
    `UPDATE operator_keys SET last_used_at = now() WHERE id = ANY ($1::bigint[])
       AND coalesce(last_used_at < now() - interval '1 minute', TRUE)`,
    [numberArray(ids.map(BigInt))],
  );
}

export interface KeyCounts {
  /** Not revoked. */
  inForce: number;
  /** Also not expired. */
  valid: number;
  /** Also with scope admin. */
  admins: number;
}

export async function countKeys(sql: Sql): Promise<KeyCounts> {
  const [row] = await sql.query<{ valid: number; in_force: number; admins: number }>(
    `SELECT count(*) FILTER (WHERE coalesce(expires_at > now(), TRUE))::int AS valid, count(*)::int AS in_force,
       count(*) FILTER (WHERE coalesce(expires_at > now(), TRUE) AND scope = 'admin')::int AS admins
     FROM operator_keys WHERE revoked_at IS NULL`,
  );
  return { valid: row?.valid ?? 0, inForce: row?.in_force ?? 0, admins: row?.admins ?? 0 };
}

function toKey(row: KeyRow): OperatorKey {
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    createdAt: row.created_at,
    createdBy: row.created_by,
    lastUsedAt: row.last_used_at ?? undefined,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    revokedBy: row.revoked_by ?? undefined,
  };
}
