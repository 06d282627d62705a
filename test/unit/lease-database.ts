import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPglite } from '../../src/adapters/embedded/pglite.ts';
import { migrate } from '../../src/adapters/postgres/migrate.ts';
import type { Database } from '../../src/lib/sql.ts';

export interface LeaseDatabase {
  database: Database;
  /** The time of the database until the test changes it: milliseconds since 1970. */
  setTime(ms: number): Promise<void>;
  /** Workers 0 to `workers` - 1, as the migration created them: never leased. */
  reset(workers: number): Promise<void>;
  /** Shifts the state as if unseen processes held all workers but these. */
  leaseAllBut(free: readonly number[], durationMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * A migrated PGlite with a clock_timestamp() of the test: a function of that name comes before pg_catalog in
 * the search path, so the statements under test run unchanged.
 */
export async function openLeaseDatabase(): Promise<LeaseDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-leases-'));
  const database = await openPglite(folder);
  await migrate(database);
  await database.runScript(`
    CREATE SCHEMA ours;
    CREATE TABLE ours.clock (now TIMESTAMPTZ NOT NULL);
    INSERT INTO ours.clock VALUES ('2026-06-01T00:00:00Z');
    CREATE FUNCTION ours.clock_timestamp() RETURNS TIMESTAMPTZ LANGUAGE sql VOLATILE AS 'SELECT now FROM ours.clock';
    SET search_path = ours, pg_catalog, public;
  `);
  return {
    database,
    async setTime(ms) {
      await database.query('UPDATE ours.clock SET now = $1', [new Date(ms)]);
    },
    async reset(workers) {
      await database.query('DELETE FROM worker_leases');
      await database.query('INSERT INTO worker_leases (worker_id) SELECT generate_series(0, $1::int - 1)', [
        workers,
      ]);
    },
    async leaseAllBut(free, durationMs) {
      await database.query(
        `UPDATE worker_leases SET epoch = 1, expires_at = now + make_interval(secs => $1 / 1000.0) FROM ours.clock
         WHERE worker_id <> ALL ($2::int[])`,
        [durationMs, [...free]],
      );
    },
    async close() {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
