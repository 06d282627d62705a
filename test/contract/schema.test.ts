import { describe, expect, test } from 'vitest';
import { serialTables } from '../../src/adapters/postgres/serial-keys.ts';
import type { Database } from '../../src/lib/sql.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const stores: [string, () => Promise<Database>][] = [
  ['PostgreSQL', openTestPostgres],
  ['PGlite', openTestPglite],
];

describe.each(stores)('the schema on %s', (_, open) => {
  test('every text column of every index sorts by bytes in every language', async () => {
    const database = await open();
    const others = await database.query(
      `SELECT indrelid::regclass::text AS table, indexrelid::regclass::text AS index, keys.attname AS column,
         collname AS collation
       FROM pg_index
       JOIN pg_class ON pg_class.oid = indrelid AND relnamespace = current_schema()::regnamespace
       JOIN pg_attribute AS keys ON keys.attrelid = indexrelid
       JOIN pg_collation ON pg_collation.oid = keys.attcollation
       WHERE collname <> 'C'`,
    );
    expect(others).toEqual([]);
  });

  test('every table has a primary key, so that it can be replicated', async () => {
    const database = await open();
    const without = await database.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class
       WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
         AND NOT EXISTS (SELECT 1 FROM pg_index WHERE indrelid = pg_class.oid AND indisprimary)`,
    );
    expect(without).toEqual([]);
  });

  test('every table with a primary key from a sequence stands in postgres/serial-keys.ts', async () => {
    const database = await open();
    const rows = await database.query<{ name: string }>(
      `SELECT relname AS name FROM pg_class
       JOIN pg_index ON indrelid = pg_class.oid AND indisprimary AND indnkeyatts = 1
       JOIN pg_attribute ON attrelid = pg_class.oid AND attnum = indkey[0]
       WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
         AND pg_get_serial_sequence(relname::text, attname::text) IS NOT NULL ORDER BY 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(serialTables).sort());
  });
});
