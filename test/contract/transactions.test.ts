import { describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createPostgresDatabase } from '../support/stores.ts';

async function openTable(): Promise<Database> {
  const url = await createPostgresDatabase();
  const database = openPostgresServer({ url, maxConnections: 2, onConnectionError() {} });
  onTestFinished(() => database.close());
  await database.runScript('CREATE TABLE numbers (n int PRIMARY KEY); INSERT INTO numbers VALUES (1), (2)');
  return database;
}

const readNumbers = async (database: Database) =>
  (await database.query<{ n: number }>('SELECT n FROM numbers ORDER BY n')).map(({ n }) => n);

describe('transactions whose statements travel together', () => {
  test('the last statement is committed by the COMMIT that is sent with it', async () => {
    const database = await openTable();
    const deleted = await database.transaction(async (sql) =>
      sql.queryAndCommit?.('DELETE FROM numbers WHERE n = $1 RETURNING n', [1]),
    );
    expect(deleted).toEqual([{ n: 1 }]);
    expect(await readNumbers(database)).toEqual([2]);
  });

  test('when the last statement fails, nothing is committed, and the session stays', async () => {
    const database = await openTable();
    const readSession = () =>
      database.query("SELECT pg_backend_pid() AS pid, current_setting('transaction_isolation')");
    const session = await readSession();
    const running = database.transaction(async (sql) => {
      await sql.query('DELETE FROM numbers');
      await sql.queryAndCommit?.('INSERT INTO numbers VALUES ($1), ($1)', [7]);
    });
    await expect(running).rejects.toMatchObject({ code: '23505' });
    expect(await readNumbers(database)).toEqual([1, 2]);
    expect(await readSession()).toEqual(session);
  });

  test('a transaction that begins with a read holds the locks of that read', async () => {
    const database = await openTable();
    const lock = 'SELECT n FROM numbers ORDER BY n LIMIT 1 FOR UPDATE SKIP LOCKED';
    const seen = await database.transaction(
      async (sql) => [await sql.query(lock), await database.query(lock)],
      { beginsWithRead: true },
    );
    expect(seen).toEqual([[{ n: 1 }], [{ n: 2 }]]);
  });

  test('a transaction that begins with a read is rolled back when its work fails', async () => {
    const database = await openTable();
    const running = database.transaction(
      async (sql) => {
        await sql.query('SELECT 1');
        await sql.query('DELETE FROM numbers');
        throw new Error('no more');
      },
      { beginsWithRead: true },
    );
    await expect(running).rejects.toThrow('no more');
    expect(await readNumbers(database)).toEqual([1, 2]);
  });

  test('when BEGIN fails, the work ends at its first statement', async () => {
    const database = await openTable();
    const options = { beginsWithRead: true, idleTimeoutMs: 2 ** 40 }; // More than the server accepts.
    let hasRead = false;
    const running = database.transaction(async (sql) => {
      await sql.query('SELECT 1');
      hasRead = true;
    }, options);
    await expect(running).rejects.toMatchObject({ code: '22023' });
    expect(hasRead).toBe(false);
    expect(await readNumbers(database)).toEqual([1, 2]);
  });
});
