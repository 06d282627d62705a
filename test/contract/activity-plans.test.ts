import { describe, expect, test } from 'vitest';
import { postgresActivityQueries } from '../../src/adapters/postgres/list-activity.ts';
import type { Database, Sql, Statement } from '../../src/lib/sql.ts';
import type { ActivityFilter } from '../../src/ops/activity/activity.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const rows = 20_000;

/**
 * A bulk discard by one operator makes up nearly all of the log; records of others are older or rare. No
 * statistics: worst case.
 */
async function openFilled(open: () => Promise<Database>): Promise<Database> {
  const database = await open();
  await database.query('ALTER TABLE activity SET (autovacuum_enabled = off)');
  await database.query(
    `INSERT INTO activity (at, actor, via, action, subject_kind, subject_id)
     SELECT now() - (${rows} - n) * interval '1 second', CASE WHEN n <= 10 THEN 'ann' ELSE 'bulk' END, 'http',
       CASE WHEN n <= 10 THEN 'SALE_PAUSED' ELSE 'PARKED_DISCARDED' END,
       CASE WHEN n <= 10 THEN 'sale' ELSE 'parked' END, n::text FROM generate_series(1, ${rows}) AS n`,
  );
  // Jobs over many items: the steps of each go through the same ids.
  await database.query(
    `INSERT INTO activity (at, actor, via, action, subject_kind, subject_id, after)
     SELECT now() - interval '9 hours' + (job * 1000 + n) * interval '1 second', 'bulk', 'http', 'PARKED_JOB_DISCARDED', 'job',
       job::text, jsonb_build_object('count', 500, 'items', jsonb_build_array((n * 500 + 1) || '-' || (n + 1) * 500))
     FROM generate_series(1, 3) AS job, generate_series(0, 999) AS n`,
  );
  return database;
}

/** The most rows that any step of the statement's plan has read, as EXPLAIN ANALYZE counts them. */
async function countRowsRead(database: Database, filter: ActivityFilter, cursor?: string): Promise<number> {
  let most = 0;
  const explaining = (sql: Sql): Sql => ({
    async query<Row>(statement: Statement | string, values?: readonly unknown[]) {
      const text = String(statement);
      if (!text.startsWith('SELECT')) return sql.query<Row>(text, values);
      const lines = await sql.query<Record<'QUERY PLAN', string>>(`EXPLAIN ANALYZE ${text}`, values);
      for (const { 'QUERY PLAN': line } of lines) {
        const [, read] = /actual time=\S+ rows=(\d+)/.exec(line) ?? [];
        const [, removed] = /Rows Removed by Filter: (\d+)/.exec(line) ?? [];
        most = Math.max(most, Number(read ?? 0), Number(removed ?? 0));
      }
      return [];
    },
    runScript: (script) => sql.runScript(script),
  });
  const transaction: Database['transaction'] = (work) => database.transaction((sql) => work(explaining(sql)));
  await postgresActivityQueries({ ...database, transaction }).listActivity(filter, 50, cursor);
  return most;
}

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

const filters: Record<string, ActivityFilter> = {
  'no filter': {},
  'the actor of nearly all records': { actor: 'bulk' },
  'an actor of old records': { actor: 'ann' },
  'an actor without records': { actor: 'eve' },
  'the action of nearly all records': { action: 'PARKED_DISCARDED' },
  'an action of old records': { action: 'SALE_PAUSED' },
  'an action without records': { action: 'KEY_REVOKED' },
  'a kind of subject with old records': { subject: 'sale' },
  'a kind of subject without records': { subject: 'key' },
  'one subject': { subjectId: '5' },
  'a parked item that jobs resolved': { subject: 'parked', subjectId: '250123' },
  'a parked item that nothing resolved': { subject: 'parked', subjectId: '900000' },
  'a subject that is no item': { subjectId: 'ORD1' },
  'a time long ago': { to: daysAgo(0.2) },
  'a time without records': { from: daysAgo(9), to: daysAgo(8) },
  'the busiest actor and a kind they never touched': { actor: 'bulk', subject: 'sale' },
  'the busiest actor and an action that is not theirs': { actor: 'bulk', action: 'SALE_PAUSED' },
  'an old actor and the busiest action': { actor: 'ann', action: 'PARKED_DISCARDED' },
  'the busiest action long ago': { action: 'PARKED_DISCARDED', to: daysAgo(0.2) },
  'everything at once': {
    ...{ actor: 'bulk', action: 'PARKED_DISCARDED', subject: 'parked', subjectId: '5' },
    from: daysAgo(1),
  },
};

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.entries(databases))('the plans of the activity log on %s', (_, open) => {
  test('every filter reads little more than its page, however long the log is', async () => {
    const database = await openFilled(open);
    for (const statistics of ['without', 'with']) {
      if (statistics === 'with') await database.query('ANALYZE activity');
      for (const [name, filter] of Object.entries(filters)) {
        for (const cursor of [undefined, `${rows / 2}`]) {
          const read = await countRowsRead(database, filter, cursor);
          expect(read, `${name}, ${statistics} statistics, below ${cursor}`).toBeLessThanOrEqual(200);
        }
      }
    }
  });
});
