import { describe, expect, test } from 'vitest';
import { recordActivity, removeActivity } from '../../src/adapters/postgres/activity.ts';
import { postgresActivityQueries } from '../../src/adapters/postgres/list-activity.ts';
import type { Database } from '../../src/lib/sql.ts';
import { actions, type Change, findChanges, subjectKinds } from '../../src/ops/activity/activity.ts';
import { createActor } from '../support/actors.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };
const aDayMs = 86_400_000;

const paused = (subjectId: string): Change => ({
  action: 'SALE_PAUSED',
  subjectId,
  before: { isPaused: false },
  after: { isPaused: true },
});

const list = (database: Database, filter = {}) =>
  postgresActivityQueries(database).listActivity(filter, 100, undefined);

/** A record for each age in days. Inserting an old one is allowed: a restore needs it. */
async function recordOld(database: Database, ...ages: number[]): Promise<void> {
  for (const age of ages) {
    await database.query(
      `INSERT INTO activity (at, actor, via, action, subject_kind, subject_id)
       VALUES (now() - make_interval(days => $1), 'ops', 'http', 'KEY_REVOKED', 'key', $1::int::text)`,
      [age],
    );
  }
}

describe.each(Object.entries(databases))('the activity log on %s', (_, open) => {
  test('a record holds who, what, on what, before and after, and the request', async () => {
    const database = await open();
    const before = { note: 'a\0b', amount: 5n, at: new Date(0), left: undefined };
    await recordActivity(database, createActor('on-call'), { ...paused('1001'), before });
    expect(await list(database)).toEqual([
      {
        id: '1',
        at: expect.any(Date),
        actor: 'on-call',
        keyId: '7',
        via: 'http',
        action: 'SALE_PAUSED',
        subject: { kind: 'sale', id: '1001' },
        before: { note: 'a␀b', amount: '5', at: '1970-01-01T00:00:00.000Z' },
        after: { isPaused: true },
        requestId: 'request-1',
      },
    ]);
  });

  test('a record goes with the transaction that is rolled back', async () => {
    const database = await open();
    const failing = database.transaction(async (sql) => {
      await recordActivity(sql, createActor(), paused('1001'));
      throw new Error('the change failed');
    });
    await expect(failing).rejects.toThrow('the change failed');
    expect(await list(database)).toEqual([]);
  });

  test.each([
    ['UPDATE', "UPDATE activity SET actor = 'nobody'"],
    ['DELETE', 'DELETE FROM activity'],
    ['TRUNCATE', 'TRUNCATE activity'],
    ['TRUNCATE CASCADE', 'TRUNCATE activity RESTART IDENTITY CASCADE'],
    [
      'MERGE by ON CONFLICT',
      "INSERT INTO activity OVERRIDING SYSTEM VALUE SELECT * FROM activity ON CONFLICT (id) DO UPDATE SET actor = 'nobody'",
    ],
  ])('no record is changed or removed by %s', async (_name, statement) => {
    const database = await open();
    await recordOld(database, 0, 500);
    await expect(database.query(statement)).rejects.toThrow('append-only');
    expect((await list(database)).map(({ actor }) => actor)).toEqual(['ops', 'ops']);
  });

  test('a bound in the future removes no record of the last 30 days', async () => {
    const database = await open();
    await recordOld(database, 29);
    const removing = database.transaction(async (sql) => {
      await sql.query("SELECT set_config('weir.remove_activity_before', 'infinity', TRUE)");
      await sql.query('DELETE FROM activity');
    });
    await expect(removing).rejects.toThrow('append-only');
    expect(await list(database)).toHaveLength(1);
  });

  test('retention removes the records beyond its bound, and allows nothing afterwards', async () => {
    const database = await open();
    await recordOld(database, 50, 401, 500);
    expect(await removeActivity(database, 400 * aDayMs)).toBe(2);
    expect(await removeActivity(database, 400 * aDayMs)).toBe(0);
    expect((await list(database)).map(({ subject }) => subject.id)).toEqual(['50']);
    await expect(database.query('DELETE FROM activity')).rejects.toThrow('append-only');
  });

  test('each filter selects by its field, also with the others', async () => {
    const database = await open();
    await recordActivity(database, createActor('ann'), paused('1001'), {
      action: 'KEY_REVOKED',
      subjectId: '3',
    });
    await recordActivity(database, createActor('bob'), paused('1001'), paused('1002'));
    const find = async (filter: object) =>
      (await list(database, filter)).map(({ actor, subject }) => `${actor} ${subject.kind} ${subject.id}`);
    expect(await find({ actor: 'ann' })).toEqual(['ann key 3', 'ann sale 1001']);
    expect(await find({ action: 'KEY_REVOKED' })).toEqual(['ann key 3']);
    expect(await find({ subject: 'sale' })).toEqual(['bob sale 1002', 'bob sale 1001', 'ann sale 1001']);
    expect(await find({ subjectId: '1001' })).toEqual(['bob sale 1001', 'ann sale 1001']);
    expect(await find({ subjectId: '1001', subject: 'key' })).toEqual([]);
    expect(await find({ actor: 'bob', subject: 'sale', subjectId: '1002' })).toEqual(['bob sale 1002']);
    expect(await find({ action: 'KEY_REVOKED', subject: 'sale' })).toEqual([]);
    expect(await find({ from: new Date(Date.now() + aDayMs) })).toEqual([]);
    expect(await find({ to: new Date(Date.now() - aDayMs) })).toEqual([]);
  });

  test.each([
    ['no filter', {}],
    ['an actor', { actor: 'ops' }],
    ['a subject', { subject: 'key' as const }],
    ['a subject id', { subjectId: '3' }],
  ])('pages of %s hold each record once, also of one moment', async (_name, filter) => {
    const database = await open();
    for (let i = 0; i < 4; i++) {
      const revoked = { action: 'KEY_REVOKED', subjectId: '3' } as const;
      await recordActivity(database, createActor(), revoked, { ...revoked, action: 'KEY_CREATED' });
    }
    const seen: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await postgresActivityQueries(database).listActivity(filter, 3, cursor);
      seen.push(...page.map(({ id }) => id));
      if (page.length < 3) break;
      cursor = page.at(-1)?.id;
    }
    expect(seen).toEqual(['8', '7', '6', '5', '4', '3', '2', '1']);
  });

  test('every action and kind of subject fits its column', async () => {
    const database = await open();
    await recordActivity(database, createActor(), ...actions.map((action) => ({ action, subjectId: '1' })));
    expect(new Set((await list(database)).map(({ action }) => action))).toEqual(new Set(actions));
    expect(new Set((await list(database)).map(({ subject }) => subject.kind))).toEqual(new Set(subjectKinds));
  });
});

test('only the fields that differ are changes', () => {
  const before = { stock: 5, endsAt: new Date(1), isPaused: false, reason: undefined };
  expect(
    findChanges(before, { stock: 5, endsAt: new Date(1), isPaused: false, reason: null }),
  ).toBeUndefined();
  expect(findChanges(before, { ...before, stock: 6 })).toEqual({ before: { stock: 5 }, after: { stock: 6 } });
});
