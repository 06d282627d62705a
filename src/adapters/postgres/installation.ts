import { randomUUID } from 'node:crypto';
import type { Database, Sql } from '../../lib/sql.ts';
import type { Installation, InstallationRows, StoreKind } from '../../ops/installation/pairing.ts';
import { recordActivity } from './activity.ts';

interface InstallationRow {
  id: string;
  database: string;
  store_id: string | null;
  address: string | null;
}

const undefinedTable = '42P01';

export function postgresInstallation(database: Database): InstallationRows {
  return {
    async read(kind) {
      await database.query('INSERT INTO installation (id) VALUES ($1) ON CONFLICT (only_row) DO NOTHING', [
        randomUUID(),
      ]);
      const found = await findInstallation(database, kind);
      if (!found) throw new Error('cannot read the installation id');
      return found;
    },

    async find(kind) {
      try {
        return await findInstallation(database, kind);
      } catch (error) {
        if ((error as { code?: string }).code === undefinedTable) return undefined;
        throw error;
      }
    },

    pair: (kind, store, address, previous, actor) =>
      database.transaction(async (sql) => {
        const [before] = await sql.query<{ address: string }>(
          'SELECT address FROM paired_stores WHERE kind = $1 FOR UPDATE',
          [kind],
        );
        const paired = await sql.query(
          `INSERT INTO paired_stores (kind, store_id, address) VALUES ($1, $2, $3)
         ON CONFLICT (kind) DO UPDATE SET store_id = excluded.store_id, address = excluded.address, paired_at = now()
         WHERE paired_stores.store_id = $4::uuid RETURNING 1`,
          [kind, store, address, previous ?? null],
        );
        if (actor && paired.length > 0) {
          const change = { before: { address: before?.address ?? null }, after: { address } };
          await recordActivity(sql, actor, { action: 'STORE_ADOPTED', subjectId: kind, ...change });
        }
        const [row] = await sql.query<{ store_id: string }>(
          'SELECT store_id::text FROM paired_stores WHERE kind = $1',
          [kind],
        );
        return row?.store_id ?? store;
      }),
  };
}

/**
 * The database is identified by its server's identity and its own: a copy has a different one, a promoted
 * standby has the same.
 */
async function findInstallation(sql: Sql, kind: StoreKind): Promise<Installation | undefined> {
  const [row] = await sql.query<InstallationRow>(
    `SELECT installation.id::text, store_id::text, address,
       (SELECT system_identifier FROM pg_control_system()) || '/' || (
         SELECT oid FROM pg_database WHERE datname = current_database()) AS database
     FROM installation LEFT JOIN paired_stores ON kind = $1`,
    [kind],
  );
  if (!row) return undefined;
  const { id, database, store_id, address } = row;
  return { id, database, paired: store_id && address ? { store: store_id, address } : undefined };
}
