import { describe, expect, test } from 'vitest';
import { postgresActivityQueries } from '../../src/adapters/postgres/list-activity.ts';
import type { Database } from '../../src/lib/sql.ts';
import type { ActivityFilter } from '../../src/ops/activity/activity.ts';
import { countRowsRead, explain } from '../support/explain.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const rows = 20_000;

/** A bulk discard by one operator makes up nearly all of the log; the ten oldest records are of others. */
async function fill(database: Database, from: number, to: number): Promise<void> {
  await database.query(
    `INSERT INTO activity (at, actor, via, action, subject_kind, subject_id)
     SELECT now() - (${rows} - n) * interval '1 second', CASE WHEN n <= 10 THEN 'ann' ELSE 'bulk' END, 'http',
       CASE WHEN n <= 10 THEN 'SALE_PAUSED' ELSE 'PARKED_DISCARDED' END,
       CASE WHEN n <= 10 THEN 'sale' ELSE 'parked' END, n::text FROM generate_series($1::int, $2::int) AS n`,
    [from, to],
  );
}

/** Jobs over many items: the steps of each go through the same ids. */
async function fillWithJobs(database: Database): Promise<void> {
  await database.query(
    `INSERT INTO activity (at, actor, via, action, subject_kind, subject_id, after)
     SELECT now() - interval '9 hours' + (job * 1000 + n) * interval '1 second', 'bulk', 'http', 'PARKED_JOB_DISCARDED', 'job',
       job::text, jsonb_build_object('count', 500, 'items', jsonb_build_array((n * 500 + 1) || '-' || (n + 1) * 500))
     FROM generate_series(1, 3) AS job, generate_series(0, 999) AS n`,
  );
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

async function expectFewRows(database: Database, when: string): Promise<void> {
  for (const [name, filter] of Object.entries(filters)) {
    for (const cursor of [undefined, `${rows / 2}`]) {
      const plan = await explain(database, '', (on) =>
        postgresActivityQueries(on).listActivity(filter, 50, cursor),
      );
      expect(countRowsRead(plan), `${name}, ${when}, below ${cursor}:\n${plan}`).toBeLessThanOrEqual(200);
    }
  }
}

describe.each(Object.entries(databases))('the plans of the activity log on %s', (_, open) => {
  const openEmpty = async () => {
    const database = await open();
    await database.query('ALTER TABLE activity SET (autovacuum_enabled = off)');
    return database;
  };

  test('every filter reads little more than its page, however long the log is', async () => {
    const database = await openEmpty();
    await fill(database, 1, rows);
    await fillWithJobs(database);
    await expectFewRows(database, 'without statistics');
    await database.query('ANALYZE activity');
    await expectFewRows(database, 'with statistics');
  });

  test('a rare action is read from its index even if the statistics miss it', async () => {
    const database = await openEmpty();
    await fill(database, 11, rows);
    await database.query('ANALYZE activity');
    await fill(database, 1, 10);
    await expectFewRows(database, 'with statistics of one action');
  });
});
