import { describe, expect, test } from 'vitest';
import { audit } from '../../src/adapters/postgres/audit.ts';
import { postgresInstanceActions } from '../../src/adapters/postgres/instance-actions.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createActor } from '../support/actors.ts';
import {
  createRescuer,
  deadlineMs,
  letAnHourPass,
  letWayPass,
  prepareWay,
  publishAll,
  readStatus,
} from '../support/overdue.ts';
import {
  createAll,
  createPaidOrder,
  createPurchase,
  failure,
  readWaiting,
  success,
} from '../support/parts.ts';
import { openTestPostgres } from '../support/stores.ts';

async function setUp(): Promise<Database> {
  const database = await openTestPostgres();
  await prepareWay(database);
  return database;
}

const noConsumer = { queue: { ready: 0, consumers: 0 } };
const unread = { queue: { ready: 1, consumers: 1 } };

/** One instance whose event was confirmed an hour ago, `publications` times so far. */
async function createOverdue(database: Database, publications = 1): Promise<InstanceId> {
  const [id] = (await createAll(database, [createPurchase({})])) as [InstanceId];
  await publishAll(database);
  await letAnHourPass(database);
  for (let count = 1; count < publications; count++) {
    await createRescuer(database, publications).rescue();
    expect(await publishAll(database)).toHaveLength(1);
    await letAnHourPass(database);
  }
  return id;
}

/** The relay has had `events` confirmed, the last of them `age` ago. */
async function countPublished(database: Database, events: number, age: string): Promise<void> {
  await database.query(
    "INSERT INTO published VALUES ('CREATED', 1, $1) ON CONFLICT (kind, lane) DO UPDATE SET events = $1",
    [events],
  );
  await database.query(
    `INSERT INTO outbox_marks (at, waiting, published)
     SELECT now() - interval '${age}', 0, (SELECT sum(events) FROM published) ON CONFLICT DO NOTHING`,
  );
}

describe('the deadlines of instances', () => {
  test.each([
    ['has no consumer', noConsumer],
    ['holds an unread event', unread],
  ])('deadlines do not run while the created queue %s', async (_, blocked) => {
    const database = await setUp();
    const id = await createOverdue(database, 2);
    await countPublished(database, 1, '40 seconds');
    for (let hours = 0; hours < 5; hours++) {
      await createRescuer(database, 2, blocked).rescue();
      await letAnHourPass(database);
    }
    expect(await readWaiting(database)).toEqual([]);
    expect((await readStatus(database, id))?.status).toBe('PROCESSING');
  });

  test.each([
    ['one of several queues has no consumer', [0, 0], [1, 0]],
    ['one of several queues holds an unread event', [0, 1], [1, 1]],
  ])('deadlines do not run while %s', async (_, ready, consumers) => {
    const database = await setUp();
    const id = await createOverdue(database, 2);
    const queue = [0, 1].map((i) => ({ ready: ready[i] ?? 0, consumers: consumers[i] ?? 0 }));
    for (let hours = 0; hours < 5; hours++) {
      await createRescuer(database, 2, { queue }).rescue();
      await letAnHourPass(database);
    }
    expect((await readStatus(database, id))?.status).toBe('PROCESSING');
  });

  test('deadlines run while all that waits on several queues is fresh', async () => {
    const database = await setUp();
    const id = await createOverdue(database);
    const fresh = await createAll(database, [createPurchase({}), createPurchase({}), createPurchase({})]);
    const queue = [0n, 1n].map((i) => ({
      ready: fresh.filter((each) => each % 2n === i).length,
      consumers: 1,
    }));
    await publishAll(database);
    await createRescuer(database, 1, { queue }).rescue();
    expect((await readStatus(database, id))?.status).toBe('FAILED');
  });

  test('deadlines begin again with their whole length when a consumer is back', async () => {
    const database = await setUp();
    await createRescuer(database, 2, noConsumer).rescue();
    const [late] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    await publishAll(database);
    await letAnHourPass(database);
    await createRescuer(database, 1, noConsumer).rescue();
    await letAnHourPass(database);
    const rescue = () => createRescuer(database, 1).rescue();
    await rescue();
    const [wait] = await database.query<{ seconds: number }>(
      'SELECT extract(epoch FROM due_at - now())::float8 AS seconds FROM overdue',
    );
    expect(wait?.seconds).toBeGreaterThan(deadlineMs / 1000 - 10);
    expect((await readStatus(database, late))?.status).toBe('PROCESSING');
    await letAnHourPass(database);
    await rescue();
    expect((await readStatus(database, late))?.status).toBe('FAILED');
  });

  test('deadlines run while a busy consumer always has fresh events before it', async () => {
    const database = await setUp();
    const id = await createOverdue(database);
    await countPublished(database, 90, '40 seconds');
    await database.query("UPDATE published SET events = 100 WHERE kind = 'CREATED' AND lane = 1");
    await createRescuer(database, 1, { queue: { ready: 10, consumers: 1 } }).rescue();
    expect((await readStatus(database, id))?.status).toBe('FAILED');
  });

  test('deadlines begin again after a time in which no process checked the way', async () => {
    const database = await setUp();
    const id = await createOverdue(database);
    await database.query("UPDATE overdue_cursor SET checked_at = now() - interval '3 minutes'");
    await createRescuer(database, 1, { calmMs: 60_000 }).rescue();
    expect((await readStatus(database, id))?.status).toBe('PROCESSING');
    await letWayPass(database, '2 minutes');
    await database.query('UPDATE overdue SET due_at = now()');
    await createRescuer(database, 1, { calmMs: 60_000 }).rescue();
    expect((await readStatus(database, id))?.status).toBe('FAILED');
  });

  test('deadlines that were set by a clock ahead of time are due now', async () => {
    const database = await setUp();
    const id = await createOverdue(database, 2);
    await database.query("UPDATE overdue SET due_at = now() + interval '1 year'");
    await database.query("UPDATE overdue_cursor SET clear_since = now() + interval '1 year'");
    await createRescuer(database, 2).rescue();
    expect((await readStatus(database, id))?.status).toBe('FAILED');
  });
});

describe('an instance that is given up', () => {
  test('an instance that timed out requests its release in the same commit, once', async () => {
    const database = await setUp();
    const id = await createOverdue(database);
    await createRescuer(database, 1).rescue();
    const [release, ...others] = await readWaiting(database);
    expect(release).toMatchObject({ kind: 'RELEASE', id: `release-${id}` });
    expect(others).toEqual([]);
    expect(await settleResults(database, [success(id)])).toEqual(['late']);
    expect(await readWaiting(database)).toHaveLength(1);
    expect(
      await database.query(
        "SELECT what, detail FROM instance_history WHERE what <> 'REPUBLISHED' ORDER BY id",
      ),
    ).toEqual([
      { what: 'RELEASE_REQUESTED', detail: 'GIVEN_UP' },
      { what: 'RESULT_LATE', detail: 'SUCCESS' },
    ]);
  });

  test('a result that came before the timeout stands, and requests no release', async () => {
    const database = await setUp();
    const id = await createOverdue(database);
    await settleResults(database, [success(id)]);
    await createRescuer(database, 1).rescue();
    expect(await readWaiting(database)).toEqual([]);
  });

  test('an operator requests a release again with the same id and bytes', async () => {
    const database = await setUp();
    const id = await createOverdue(database);
    await createRescuer(database, 1).rescue();
    const [first] = await readWaiting(database);
    // While the first request waits for the broker, a second one would be useless.
    expect(
      await postgresInstanceActions(database, { deadlineMs }).releaseInstance(id, createActor('anna')),
    ).toBe(true);
    expect(await publishAll(database)).toHaveLength(1);
    for (let times = 0; times < 2; times++) {
      expect(
        await postgresInstanceActions(database, { deadlineMs }).releaseInstance(id, createActor('anna')),
      ).toBe(true);
      const [again] = await publishAll(database);
      expect(again?.id).toBe(first?.id);
      expect(again?.body.toString('hex')).toBe(first?.body.toString('hex'));
    }
    expect(
      await database.query("SELECT what, actor FROM instance_history WHERE actor <> 'weir' ORDER BY id"),
    ).toEqual(Array(2).fill({ what: 'RELEASE_REQUESTED_AGAIN', actor: 'anna' }));
  });

  test('an instance is released on request only when it has failed', async () => {
    const database = await setUp();
    const purchases = [createPurchase({}), createPurchase({}), await createPaidOrder(database, 'ORD1')];
    const [open, built, failed] = (await createAll(database, purchases)) as [
      InstanceId,
      InstanceId,
      InstanceId,
    ];
    await settleResults(database, [success(built), failure(failed)]);
    await publishAll(database);
    for (const id of [open, built]) {
      await expect(
        postgresInstanceActions(database, { deadlineMs }).releaseInstance(id, createActor('anna')),
      ).rejects.toMatchObject({
        code: 'INSTANCE_NOT_RELEASABLE',
      });
    }
    expect(
      await postgresInstanceActions(database, { deadlineMs }).releaseInstance(
        1n as InstanceId,
        createActor('anna'),
      ),
    ).toBe(false);
    expect(
      await postgresInstanceActions(database, { deadlineMs }).releaseInstance(failed, createActor('anna')),
    ).toBe(true);
    expect((await readWaiting(database)).map(({ id }) => id)).toEqual([`release-${failed}`]);
  });
});

const noStreams = { read: async () => ({ streams: [], sales: [] }) };
const readCheckpoint = async (database: Database) =>
  (await database.query('SELECT instance_log_id::text AS id FROM audit_checkpoint'))[0];

describe('the cursors through the instances', () => {
  test.each([
    ['dated in the future', "now() + interval '1 year'"],
    ['without a time', 'NULL'],
  ])('deadlines pass a row %s, which gets a deadline itself', async (_, time) => {
    const database = await setUp();
    const ids = await createAll(database, [createPurchase({}), createPurchase({}), createPurchase({})]);
    await publishAll(database);
    await letAnHourPass(database);
    await database.query(`UPDATE instance_logs SET created_at = ${time} WHERE instance_id = $1`, [
      ids[0]?.toString(),
    ]);
    await createRescuer(database, 2).rescue();
    expect((await publishAll(database)).map(({ id }) => id)).toEqual(ids.slice(1).map((id) => id.toString()));
    expect(await database.query('SELECT id::int FROM overdue_cursor')).toEqual([{ id: 3 }]);
    await audit(database, noStreams);
    expect(await readCheckpoint(database)).toEqual({ id: '3' });
    await database.query("UPDATE overdue SET due_at = due_at - interval '1 hour'");
    await createRescuer(database, 2).rescue();
    expect((await publishAll(database)).map(({ id }) => id)).toContain(ids[0]?.toString());
  });

  test('deadlines reach rows whose ids the sequence issues again', async () => {
    const database = await setUp();
    const old = await createAll(
      database,
      Array.from({ length: 5 }, () => createPurchase({})),
    );
    await publishAll(database);
    await settleResults(database, old.map(success));
    await database.query('UPDATE instance_logs SET id = id + 1000');
    await database.query("SELECT setval('instance_logs_id_seq', 1005)");
    await letAnHourPass(database);
    await createRescuer(database, 2).rescue();
    await audit(database, noStreams);
    expect(await readCheckpoint(database)).toEqual({ id: '1005' });
    await database.query("SELECT setval('instance_logs_id_seq', 1, FALSE)");
    const [id] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    await publishAll(database);
    await letAnHourPass(database);
    await createRescuer(database, 2).rescue();
    expect((await publishAll(database)).map((message) => message.id)).toEqual([id.toString()]);
    const { sums } = await audit(database, noStreams);
    expect(sums.find(({ name }) => name === 'instances')).toMatchObject({ expected: 6, actual: 6 });
  });
});

test('a full audit gives a row that was restored below the cursor its deadline', async () => {
  const database = await setUp();
  const [id] = (await createAll(database, [createPurchase({}), createPurchase({})])) as [InstanceId];
  await publishAll(database);
  await database.query(`CREATE TABLE saved_rows AS SELECT * FROM instance_logs WHERE instance_id = ${id}`);
  await database.query(`DELETE FROM instance_logs WHERE instance_id = ${id}`);
  await letAnHourPass(database);
  await createRescuer(database, 2).rescue();
  await publishAll(database);
  await database.query('INSERT INTO instance_logs SELECT * FROM saved_rows');
  await letAnHourPass(database);
  await audit(database, noStreams, { full: true });
  await createRescuer(database, 2).rescue();
  expect((await readWaiting(database)).map((message) => message.id)).toContain(id.toString());
});

test('an operator who publishes an instance again does not deadlock with the watch', async () => {
  const database = await setUp();
  const id = await createOverdue(database, 2);
  // The rescuer locks the deadline and then the instance; here this is done by hand, so that the moment is
  // certain.
  let published: Promise<unknown> | undefined;
  await database.transaction(async (sql) => {
    await sql.query('SELECT 1 FROM overdue WHERE instance_id = $1 FOR UPDATE', [id.toString()]);
    published = postgresInstanceActions(database, { deadlineMs }).retryInstance(id, createActor('anna'));
    published.catch(() => {});
    await database.query('SELECT 1');
    await waitForLock(database);
    await sql.query("UPDATE instance_logs SET status = 'FAILED' WHERE instance_id = $1", [id.toString()]);
  });
  await expect(published).rejects.toMatchObject({ code: 'INSTANCE_SETTLED' });
});

async function waitForLock(database: Database): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const waiting = await database.query(
      `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
    if (waiting.length > 0) return;
    if (Date.now() > deadline) throw new Error('no statement waited for a lock in 5 s');
  }
}
