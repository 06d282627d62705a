import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import { makeFolder } from '../../lib/make-folder.ts';
import type { Database, Sql, Statement, TransactionOptions } from '../../lib/sql.ts';
import { markStoreFailure } from '../../lib/store-failure.ts';
import { lockFolder } from './folder-lock.ts';

// Type oids (pg_type.dat) that PGlite parses differently from pg by default.
const int8 = 20;
const bytea = 17;

const parsers = {
  [int8]: (value: string) => value,
  [bytea]: (value: string) => Buffer.from(value.slice(2), 'hex'),
};

// PGlite serializes bytes digit by digit in JavaScript, which took a third of the time of the embedded
// pipeline.
const serializers = {
  [bytea]: (value: Uint8Array) =>
    `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`,
};

/**
 * A real PostgreSQL inside this process, stored in `folder`. A second process is refused.
 *
 * @throws FolderInUseError, FolderLockError, or the system's error when the folder cannot be written
 */
export async function openPglite(folder: string): Promise<Database> {
  await makeFolder(resolve(folder));
  const unlock = await lockFolder(folder);
  try {
    const pglite = await PGlite.create({ dataDir: join(folder, 'pgdata'), parsers, serializers });
    const database: Database = {
      ...sqlOn(pglite),
      withDeadline: () => database,
      get reads() {
        return database;
      },
      transaction: <T>(work: (sql: Sql) => Promise<T>, { oneSnapshot }: TransactionOptions = {}) =>
        pglite.transaction(async (transaction) => {
          if (oneSnapshot) await transaction.exec('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
          return work(sqlOn(transaction));
        }) as Promise<T>,
      async close() {
        await pglite.close().finally(unlock);
      },
    };
    return database;
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** Whether the folder holds a database; creates nothing. */
export function isPgliteIn(folder: string): Promise<boolean> {
  return access(join(folder, 'pgdata', 'PG_VERSION')).then(
    () => true,
    () => false,
  );
}

function sqlOn(on: PGlite | Transaction): Sql {
  return {
    async query<Row>(statement: Statement | string, values: readonly unknown[] = []) {
      const text = typeof statement === 'string' ? statement : statement.text;
      const { rows } = await marked(on.query<Row>(text, [...values]));
      return rows;
    },
    async runScript(script) {
      await marked(on.exec(script));
    },
  };
}

function marked<T>(running: Promise<T>): Promise<T> {
  return running.catch((error: unknown) => {
    throw markStoreFailure(error);
  });
}
