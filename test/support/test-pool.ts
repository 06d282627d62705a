import pg from 'pg';
import { onTestFinished } from 'vitest';

/** A pool of the test for a database that other code may stop, or drop with force when the test ends. */
export function openTestPool(connectionString: string, max = 2): pg.Pool {
  const pool = createPool(connectionString, max);
  onTestFinished(() => pool.end());
  return pool;
}

/** For the tests of a file: the caller ends it. */
export function createPool(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString, max });
  pool.on('error', () => {});
  // end() resolves before the sockets have closed: a session that the server terminates then has only this listener.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
