import { describe, expect, test } from 'vitest';
import { audit } from '../../src/adapters/postgres/audit.ts';
import { postgresInstanceActions } from '../../src/adapters/postgres/instance-actions.ts';
import { postgresOverdue } from '../../src/adapters/postgres/overdue.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
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
import { createAll, createPaidOrder, createPurchase, readWaiting, success } from '../support/parts.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };
describe.each(Object.keys(databases))('instances without a result on %s', (name) => {
  async function setUp() {
    const database = await databases[name as keyof typeof databases]();
    await prepareWay(database);
    return database;
  }

  test('overdue instances are republished with the same id and bytes', async () => {
    const database = await setUp();
    const [id] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    const [first] = await publishAll(database);
    await database.query("UPDATE products SET name = 'GPU Large', cpus = 8, image = 'debian'");
    await database.query('UPDATE products SET gpu = 4');
    await letAnHourPass(database);
    await createRescuer(database, 4).rescue();
    const [again] = await publishAll(database);
    expect(again?.kind).toBe('AGAIN');
    expect(again?.id).toBe(id.toString());
    expect(again?.body.toString('hex')).toBe(first?.body.toString('hex'));
  });

  test('overdue instances whose event cannot be created do not count as republished', async () => {
    const database = await setUp();
    const [id] = await createAll(database, [createPurchase({}), createPurchase({})]);
    await publishAll(database);
    await letAnHourPass(database);
    const rows = postgresOverdue(database);
    await rows.findOverdue(deadlineMs, '0');
    await database.query(
      'UPDATE instance_logs SET event_at = NULL, created_at = NULL WHERE instance_id = $1',
      [String(id)],
    );
    await database.query("UPDATE overdue SET due_at = now() - interval '1 hour'");
    const handled = await rows.handleDue({ deadlineMs, maxPublications: 4, mayGiveUp: false, limit: 10 });
    expect(handled).toEqual({ republished: 1, timedOut: 0, handled: 2 });
    expect(await readWaiting(database)).toHaveLength(1);
  });

  test('overdue instances wait twice as long each time, then time out with compensation', async () => {
    const database = await setUp();
    const purchases = [createPurchase({}), await createPaidOrder(database, 'ORD1')];
    const ids = await createAll(database, purchases);
    await publishAll(database);
    const watch = createRescuer(database, 3);
    const waits: number[] = [];
    for (let publication = 2; publication <= 3; publication++) {
      await letAnHourPass(database);
      await watch.rescue();
      expect(await publishAll(database)).toHaveLength(2);
      await watch.rescue();
      expect(await publishAll(database)).toHaveLength(0);
      const [row] = await database.query<{ wait: number }>(
        'SELECT extract(epoch FROM max(due_at) - now())::float8 AS wait FROM overdue',
      );
      waits.push(Math.round((row?.wait ?? 0) / 10) * 10);
    }
    expect(waits).toEqual([60, 120]);
    await letAnHourPass(database);
    await watch.rescue();
    for (const id of ids) {
      expect(await readStatus(database, id)).toEqual({ status: 'FAILED', reason: 'TIMEOUT' });
    }
    expect(await database.query('SELECT 1 FROM overdue')).toEqual([]);
    expect((await publishAll(database)).map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual([
      `REFUND refund-${ids[1]}`,
      ...ids.map((id) => `RELEASE release-${id}`).sort(),
    ]);
    expect(await database.query('SELECT kind FROM compensations ORDER BY kind')).toEqual([
      { kind: 'NOTHING' },
      { kind: 'REFUND' },
    ]);
  });

  test('instances that are answered in time are left alone, however old they are', async () => {
    const database = await setUp();
    const ids = await createAll(database, [createPurchase({}), createPurchase({})]);
    await publishAll(database);
    await settleResults(database, ids.map(success));
    await letAnHourPass(database);
    await createRescuer(database, 1).rescue();
    expect(await readWaiting(database)).toEqual([]);
    expect(await database.query('SELECT 1 FROM overdue')).toEqual([]);
  });

  test('instances that are answered between two deadlines are not republished', async () => {
    const database = await setUp();
    const [id] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    await publishAll(database);
    await letAnHourPass(database);
    const watch = createRescuer(database, 5);
    await watch.rescue();
    await publishAll(database);
    await settleResults(database, [success(id)]);
    await letAnHourPass(database);
    await watch.rescue();
    expect(await readWaiting(database)).toEqual([]);
    expect(await database.query('SELECT 1 FROM overdue')).toEqual([]);
  });

  test('instances are not overdue while their event waits for the broker', async () => {
    const database = await setUp();
    const [id] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    await letAnHourPass(database);
    await createRescuer(database, 1).rescue();
    expect(await readStatus(database, id)).toEqual({ status: 'PROCESSING', reason: null });
    expect((await readWaiting(database)).map(({ kind }) => kind)).toEqual(['CREATED']);
  });

  test('instances have their deadline from the publication, not from the purchase', async () => {
    const database = await setUp();
    await createAll(database, [createPurchase({})]);
    await letAnHourPass(database);
    // The broker was unavailable for an hour; it has confirmed just now.
    await database.query('DELETE FROM outbox');
    await database.query(
      "INSERT INTO outbox_marks VALUES (now() - interval '30 minutes', 1, now() - interval '1 hour')",
    );
    await database.query('INSERT INTO outbox_marks VALUES (now(), 0, NULL)');
    await createRescuer(database, 1).rescue();
    expect(await database.query('SELECT 1 FROM overdue')).toEqual([]);
    await letAnHourPass(database);
    await createRescuer(database, 1).rescue();
    expect(await database.query("SELECT 1 FROM instance_logs WHERE reason = 'TIMEOUT'")).toHaveLength(1);
  });

  test('overdue instances time out only after all has been well for a while', async () => {
    const database = await setUp();
    const [id] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    await publishAll(database);
    await letAnHourPass(database);
    // Each call is another process: a restart does not begin the waiting time again.
    const rescue = () => createRescuer(database, 1, { calmMs: 60_000 }).rescue();
    await database.query('UPDATE overdue_cursor SET clear_since = now()');
    await rescue();
    await letWayPass(database, '58 seconds');
    await database.query('UPDATE overdue SET due_at = now()');
    await rescue();
    expect((await readStatus(database, id))?.status).toBe('PROCESSING');
    // A batch that waits for the broker ends the waiting time.
    const [other] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    await database.query("UPDATE outbox SET created_at = now() - interval '11 seconds'");
    await letWayPass(database, '4 seconds');
    await rescue();
    await publishAll(database);
    await rescue();
    await letWayPass(database, '58 seconds');
    await database.query('UPDATE overdue SET due_at = now()');
    await rescue();
    expect((await readStatus(database, id))?.status).toBe('PROCESSING');
    await letWayPass(database, '4 seconds');
    await rescue();
    expect((await readStatus(database, id))?.status).toBe('FAILED');
    expect((await readStatus(database, other))?.status).toBe('PROCESSING');
  });

  test('overdue instances are reached behind any number that were answered', async () => {
    const database = await setUp();
    const ids = await createAll(
      database,
      Array.from({ length: 450 }, () => createPurchase({})),
    );
    await publishAll(database);
    await letAnHourPass(database);
    await createRescuer(database, 5, { hasCaughtUp: false }).rescue();
    await settleResults(database, ids.slice(0, 449).map(success));
    await createRescuer(database, 5).rescue();
    expect(await readWaiting(database)).toHaveLength(1);
    expect(await database.query('SELECT 1 FROM overdue')).toHaveLength(1);
  });

  test('instances are not overdue while results wait to be read', async () => {
    const database = await setUp();
    const [id] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    await publishAll(database);
    await letAnHourPass(database);
    await createRescuer(database, 1, { hasCaughtUp: false }).rescue();
    expect((await readStatus(database, id))?.status).toBe('PROCESSING');
    await createRescuer(database, 1).rescue();
    expect(await readStatus(database, id)).toEqual({ status: 'FAILED', reason: 'TIMEOUT' });
  });

  test.each([
    ['parked', "'OUTBOX', 'MESSAGE_REFUSED', 'ACTIVITY', '', 'ACT-parked', '', NULL"],
    ['a dead letter', "'DEAD_LETTER', 'DELIVERY_LIMIT', '', 'created', 'x', 'INSTANCE_CREATED', $1"],
  ])('an instance is not overdue while its event is %s, until a replay', async (_, values) => {
    const database = await setUp();
    const purchase = createPurchase({ sourceId: 'ACT-parked' });
    const [id] = (await createAll(database, [purchase])) as [InstanceId];
    await publishAll(database);
    await database.query(
      `INSERT INTO parked (origin, reason, source, scope, source_id, message_type, instance_id, detail, original)
       VALUES (${values}, 'x', '')`,
      values.includes('$1') ? [id.toString()] : [],
    );
    await letAnHourPass(database);
    await createRescuer(database, 1).rescue();
    expect((await readStatus(database, id))?.status).toBe('PROCESSING');
    await database.query("UPDATE parked SET state = 'REPLAYED', resolved_at = now()");
    await letAnHourPass(database);
    await createRescuer(database, 1).rescue();
    expect(await readStatus(database, id)).toEqual({ status: 'FAILED', reason: 'TIMEOUT' });
  });

  test('overdue instances that come later than the cursor are found as well', async () => {
    const database = await setUp();
    await createAll(database, [createPurchase({}), createPurchase({})]);
    await publishAll(database);
    await letAnHourPass(database);
    const watch = createRescuer(database, 9);
    await watch.rescue();
    expect(await publishAll(database)).toHaveLength(2);
    await createAll(database, [createPurchase({})]);
    await publishAll(database);
    await watch.rescue();
    expect(await readWaiting(database)).toEqual([]);
    await letAnHourPass(database);
    await watch.rescue();
    expect(await readWaiting(database)).toHaveLength(3);
  });

  test('an operator who republishes an instance sets a new deadline; settled ones refuse', async () => {
    const database = await setUp();
    const [open, settled] = (await createAll(database, [createPurchase({}), createPurchase({})])) as [
      InstanceId,
      InstanceId,
    ];
    const [first] = (await publishAll(database)).filter(({ id }) => id === open.toString());
    await settleResults(database, [success(settled)]);
    expect(
      await postgresInstanceActions(database, { deadlineMs }).retryInstance(
        open,
        createActor('key 01020304'),
      ),
    ).toBe(true);
    const [again] = await publishAll(database);
    expect(again?.body.toString('hex')).toBe(first?.body.toString('hex'));
    await expect(
      postgresInstanceActions(database, { deadlineMs }).retryInstance(settled, createActor('x')),
    ).rejects.toThrow('is SUCCESS');
    expect(
      await postgresInstanceActions(database, { deadlineMs }).retryInstance(
        1n as InstanceId,
        createActor('x'),
      ),
    ).toBe(false);
    expect(await database.query('SELECT what, actor FROM instance_history')).toEqual([
      { what: 'REPUBLISHED', actor: 'key 01020304' },
    ]);
    expect(await database.query('SELECT publications FROM overdue')).toEqual([{ publications: 2 }]);
    const noStreams = { read: async () => ({ streams: [], sales: [] }) };
    const countOverdue = async () => (await audit(database, noStreams)).waiting.overdue;
    expect(await countOverdue()).toBe(1);
    await settleResults(database, [success(open)]);
    expect(await countOverdue()).toBe(0);
  });
});

test('four rescuers at the same time handle each instance once', async () => {
  const database = await openTestPostgres();
  await prepareWay(database);
  await createAll(
    database,
    Array.from({ length: 450 }, () => createPurchase({})),
  );
  await publishAll(database);
  await letAnHourPass(database);
  const rescueAll = () => Promise.all([1, 2, 3, 4].map(() => createRescuer(database, 2).rescue()));
  await rescueAll();
  const again = await publishAll(database);
  expect(again).toHaveLength(450);
  expect(new Set(again.map(({ id }) => id)).size).toBe(450);
  await letAnHourPass(database);
  await rescueAll();
  const releases = await readWaiting(database);
  expect(releases.map(({ kind }) => kind)).toEqual(Array(450).fill('RELEASE'));
  expect(new Set(releases.map(({ id }) => id)).size).toBe(450);
  const [count] = await database.query<{ count: number }>(
    "SELECT count(*)::int FROM instance_logs WHERE status = 'FAILED' AND reason = 'TIMEOUT'",
  );
  expect(count?.count).toBe(450);
});
