import { oneAtATime } from '../../lib/one-at-a-time.ts';
import type { Database, Sql, TransactionOptions } from '../../lib/sql.ts';

/**
 * A view of the database for two parts that share a commit, such as the relay and an embedded queue: while
 * one of them is in a transaction on the view, queries of the other join it. Transactions on a view wait for
 * each other.
 */
export function shareTransaction(database: Database): Database {
  let current: Sql | undefined;
  const begin = oneAtATime((work: (sql: Sql) => Promise<unknown>, options: TransactionOptions) =>
    database.transaction(async (sql) => {
      current = sql;
      try {
        return await work(sql);
      } finally {
        current = undefined;
      }
    }, options),
  );
  const view: Database = {
    query: (statement, values) => (current ?? database).query(statement, values),
    runScript: (script) => (current ?? database).runScript(script),
    // The commit contains messages, so it waits for the disk, even when the caller allows an asynchronous
    // commit.
    transaction: <T>(
      work: (sql: Sql) => Promise<T>,
      { asynchronousCommit: _, ...options }: TransactionOptions = {},
    ) => begin(work, options) as Promise<T>,
    withDeadline: (deadlineMs) => database.withDeadline(deadlineMs),
    get reads() {
      return database.reads;
    },
    close: () => database.close(),
  };
  return view;
}
