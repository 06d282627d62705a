import { describe, expect, test } from 'vitest';
import { removeActivity } from '../../src/adapters/postgres/activity.ts';
import {
  forgetIdempotencyKeys,
  removeOldJobs,
  removeOutboxMarks,
  removeResolvedItems,
} from '../../src/adapters/postgres/old-records.ts';
import type { Database, Sql } from '../../src/lib/sql.ts';
import { countRowsRead, explain, explaining } from '../support/explain.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const rows = 10_000;
const aDayMs = 86_400_000;
const keptMs = 90 * aDayMs;
const tables = ['parked', 'orders', 'activity', 'outbox_marks', 'parked_jobs'];

/** Nothing is old enough: what cleaning finds in nearly every minute. */
async function openFilled(open: () => Promise<Database>): Promise<Database> {
  const database = await open();
  for (const table of tables) await database.query(`ALTER TABLE ${table} SET (autovacuum_enabled = off)`);
  const from = `FROM generate_series(1, ${rows}) AS n, LATERAL (SELECT n > ${rows - 5} AS is_old,
    now() - CASE WHEN n > ${rows - 5} THEN interval '60 days' ELSE interval '1 second' END AS at) AS t`;
  for (const statement of [
    `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original, state, resolved_at)
     SELECT 'STREAM', 'INTERNAL', 'a test', 'SECKILL', 'stream:seckill:1', n || '-0', '',
       CASE WHEN n % 2 = 0 AND NOT is_old THEN 'PARKED' ELSE 'REPLAYED' END,
       CASE WHEN n % 2 = 0 AND NOT is_old THEN NULL ELSE at END ${from}`,
    `INSERT INTO orders (id, product_id, user_id, amount_cents, status, created_at, idempotency_key)
     SELECT 'ORD' || n, 1, n, 100, 'CANCELLED', CASE WHEN n % 2 = 0 THEN now() - interval '60 days' ELSE at END,
       CASE WHEN n % 2 = 1 OR is_old THEN 'key ' || n END ${from}`,
    `INSERT INTO activity (at, actor, via, action, subject_kind, subject_id)
     SELECT at, 'a test', 'cli', 'PARKED_DISCARDED', 'parked', n::text ${from}`,
    `INSERT INTO outbox_marks (at, waiting, published) SELECT at + n * interval '1 microsecond', 0, n ${from}`,
  ]) {
    await database.query(statement);
  }
  return database;
}

const chores: Record<string, [table: string, run: (sql: Sql) => Promise<number>]> = {
  'parked items': ['parked', (sql) => removeResolvedItems(sql, keptMs)],
  'idempotency keys': ['orders', (sql) => forgetIdempotencyKeys(sql, keptMs)],
  'outbox marks': ['outbox_marks', (sql) => removeOutboxMarks(sql, keptMs)],
  'parked jobs': ['parked_jobs', (sql) => removeOldJobs(sql, keptMs)],
};

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.entries(databases))('the plans of cleaning on %s', (_, open) => {
  test('cleaning that removes nothing reads nothing, however large the tables are', async () => {
    const database = await openFilled(open);
    await database.query(`ANALYZE ${tables.join(', ')}`);
    for (const [name, [table, run]] of Object.entries(chores)) {
      const plans: string[] = [];
      expect(await run(explaining(database, table, plans))).toBe(0);
      expect(countRowsRead(plans.join('\n')), `${name}\n${plans.join('\n')}`).toBeLessThanOrEqual(2);
    }
    const plan = await explain(database, 'activity', (on) => removeActivity(on, keptMs));
    expect(countRowsRead(plan), `activity\n${plan}`).toBeLessThanOrEqual(2);
  });
});
