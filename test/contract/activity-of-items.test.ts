import { describe, expect, test } from 'vitest';
import { recordActivity } from '../../src/adapters/postgres/activity.ts';
import { postgresActivityQueries } from '../../src/adapters/postgres/list-activity.ts';
import type { Database } from '../../src/lib/sql.ts';
import type { ActivityFilter, Change } from '../../src/ops/activity/activity.ts';
import { describeJobEnd, describeJobItems } from '../../src/ops/activity/job-activity.ts';
import { createActor } from '../support/actors.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

/** Job 7 resolved 3 to 5 and 9 in one step and 20 in the next, job 4 resolved 7; 4 was discarded by hand before. */
async function openWithJobs(open: () => Promise<Database>): Promise<Database> {
  const database = await open();
  const record = (actor: string, ...changes: Change[]) =>
    recordActivity(database, createActor(actor), ...changes);
  await record(
    'ann',
    { action: 'PARKED_DISCARDED', subjectId: '4' },
    { action: 'KEY_REVOKED', subjectId: '4' },
  );
  await record('bob', describeJobItems('7', 'replay', ['3', '4', '5', '9']));
  await record('bob', describeJobItems('7', 'replay', ['20']));
  await record('bob', describeJobEnd('7', 'PARKED_JOB_ENDED', { done: '5', failed: '0' }));
  await record('eve', describeJobItems('4', 'discard', ['4', '7']));
  return database;
}

describe.each(Object.entries(databases))('the activity of parked items on %s', (_, open) => {
  const find = async (database: Database, filter: ActivityFilter, limit = 100, cursor?: string) => {
    const records = await postgresActivityQueries(database).listActivity(filter, limit, cursor);
    return records.map(({ actor, action, subject }) => `${actor} ${action} ${subject.kind} ${subject.id}`);
  };
  const byHand = 'ann PARKED_DISCARDED parked 4';
  const replayed = 'bob PARKED_JOB_REPLAYED job 7';

  test('a change by a job is found by the id of each item that it changed', async () => {
    const database = await openWithJobs(open);
    for (const id of ['3', '5', '9', '20']) {
      expect(await find(database, { subject: 'parked', subjectId: id }), id).toEqual([replayed]);
    }
    // Between the items of a step, next to them, and what is no id of an item.
    for (const id of ['6', '8', '2', '10', '21', '0', '007', '3-5', `1${'0'.repeat(30)}`]) {
      expect(await find(database, { subject: 'parked', subjectId: id }), id).toEqual([]);
    }
  });

  test('changes by hand and by jobs are one list, each record once, in all filters', async () => {
    const database = await openWithJobs(open);
    const discarded = 'eve PARKED_JOB_DISCARDED job 4';
    const item = { subject: 'parked', subjectId: '4' } as const;
    expect(await find(database, item)).toEqual([discarded, replayed, byHand]);
    // Job 4 is found by its own id as well, and its record is no second one.
    const any = [discarded, replayed, 'ann KEY_REVOKED key 4', byHand];
    expect(await find(database, { subjectId: '4' })).toEqual(any);
    expect(await find(database, { subject: 'job', subjectId: '4' })).toEqual([discarded]);
    expect(await find(database, { ...item, actor: 'bob' })).toEqual([replayed]);
    expect(await find(database, { ...item, action: 'PARKED_DISCARDED' })).toEqual([byHand]);
    expect(await find(database, { ...item, action: 'PARKED_JOB_DISCARDED' })).toEqual([discarded]);
    expect(await find(database, { ...item, from: new Date(Date.now() + 86_400_000) })).toEqual([]);
    const [last] = await postgresActivityQueries(database).listActivity(item, 1, undefined);
    expect(await find(database, item, 1, last?.id)).toEqual([replayed]);
  });
});
