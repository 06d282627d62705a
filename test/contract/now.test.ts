import { describe, expect, onTestFinished, test } from 'vitest';
import { audit } from '../../src/adapters/postgres/audit.ts';
import { postgresNow } from '../../src/adapters/postgres/now.ts';
import { postgresOutbox } from '../../src/adapters/postgres/outbox.ts';
import { parkItems } from '../../src/adapters/postgres/parked.ts';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import type { Database } from '../../src/lib/sql.ts';
import type { Now } from '../../src/ops/live/now.ts';
import { NowWatch } from '../../src/ops/live/now-watch.ts';
import { createAll, createProduct, createPurchase, failure, success } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createPostgresDatabase, openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

/** Its answers are never fresh enough: each call reads. */
function watch(database: Database): NowWatch {
  let asked = 0;
  return new NowWatch({
    rows: postgresNow(database),
    readStreamBacklog: async () => ({ count: 4, oldestAt: new Date(0) }),
    readStores: async () => [],
    isIntakePaused: () => false,
    clock: { monotonicMs: () => (asked += 1e6) },
  });
}

const sum = (values: readonly number[] | undefined) =>
  (values ?? []).reduce((total, value) => total + value, 0);

function totals({ series, events }: Now) {
  const of = (source: string) => {
    const found = series.find((each) => each.source === source);
    return [sum(found?.purchases), sum(found?.instances), sum(found?.failed)];
  };
  return { ACTIVITY: of('ACTIVITY'), ORDER: of('ORDER'), events: sum(events.map((value) => value ?? 0)) };
}

describe.each(Object.entries(databases))('now on %s', (_, open) => {
  test('now counts seconds after January 2038 as well', async () => {
    const database = await open();
    await createProduct(database);
    await createAll(database, [createPurchase({})]);
    const at = '2040-01-01T00:00:00Z';
    const fromSecond = Date.parse(at) / 1000;
    await database.query('UPDATE instance_logs SET created_at = $1', [at]);
    await database.query(
      "INSERT INTO settle_marks (at, source, status, instances, delays_ms) VALUES ($1, 'ACTIVITY', 'SUCCESS', 1, '{5}')",
      [at],
    );
    await database.query('INSERT INTO outbox_marks (at, waiting, published) VALUES ($1, 0, 1)', [at]);
    const rows = postgresNow(database);
    const span = { fromSecond, toSecond: fromSecond + 10, afterId: '0', lastId: '1000000' };
    const second = { second: fromSecond };
    expect(await rows.countPurchases(span)).toMatchObject([second]);
    expect(await rows.countSettled(fromSecond)).toMatchObject([second]);
    expect(await rows.countDelays(fromSecond)).toMatchObject([second]);
    expect(await rows.readMarks(fromSecond)).toEqual(
      expect.arrayContaining([expect.objectContaining(second)]),
    );
    expect(await rows.readMarks(fromSecond + 1)).toMatchObject([second]);
  });

  test('now has the figures of the last seconds, what waits, and the last audit', async () => {
    const database = await open();
    await createProduct(database);
    const now = watch(database);
    expect(await now.read(30)).toMatchObject({ series: [], delay: null, audit: null });

    const ids = await createAll(database, [
      ...[1, 2, 3].map(() => createPurchase({})),
      createPurchase({ source: 'ORDER' }),
    ]);
    const [first, second] = ids as [never, never];
    await settleResults(database, [success(first), failure(second)]);
    await database.query("INSERT INTO published VALUES ('CREATED', 1, 4), ('REFUND', 1, 9)");
    const outbox = postgresOutbox(database, { claimTimeoutMs: 1_000 });
    for (let look = 0; look < 2; look++) await outbox.countWaiting();
    await parkItems(database, [
      {
        origin: 'STREAM',
        reason: 'USER_ID_INVALID',
        detail: '',
        source: 'SECKILL',
        scope: 'stream:seckill:1001',
        sourceId: '1-1',
        original: Buffer.from(''),
      },
    ]);
    await audit(database, { read: async () => ({ streams: [], sales: [] }) });

    const figures = await pollUntil('the second of all this to be over', 10_000, async () => {
      const seen = await now.read(30);
      expect(totals(seen)).toEqual({ ACTIVITY: [3, 1, 1], ORDER: [1, 0, 0], events: 4 });
      return seen;
    });
    expect(figures.events).toHaveLength(30);
    expect(figures.at.getTime() - figures.from.getTime()).toBeGreaterThanOrEqual(30_000);
    expect(figures.sources).toEqual([
      { source: 'ACTIVITY', total: '3', success: '1', failed: '1', processing: '1', successRate: '50.00' },
      { source: 'ORDER', total: '1', success: '0', failed: '0', processing: '1', successRate: null },
    ]);
    expect(figures.delay?.count).toBe(2);
    const waiting = Object.fromEntries(figures.waiting.map(({ what, count }) => [what, count]));
    expect(waiting).toEqual({ stream: 4, outbox: 4, processing: 2, overdue: 0, parked: 1, refunds: 0 });
    for (const { what, count, oldestAt } of figures.waiting) {
      expect(oldestAt, what).toEqual(count === 0 ? null : expect.any(Date));
    }
    expect(figures.audit?.ok).toBe(false);
  });

  test('no id counts as issued before the first purchase, so the first is not skipped', async () => {
    const database = await open();
    await createProduct(database);
    const rows = postgresNow(database);
    expect((await rows.readMoment()).lastId).toBe('0');
    await createAll(database, [createPurchase({})]);
    expect((await rows.readMoment()).lastId).toBe('1');
    expect((await rows.countOpen()).count).toBe(1);
  });

  test('the first batch ever leaves a mark, also when it is published between two counts', async () => {
    const database = await open();
    const outbox = postgresOutbox(database, { claimTimeoutMs: 1_000 });
    const countMarks = async () =>
      (await database.query<{ count: number }>('SELECT count(*)::int AS count FROM outbox_marks'))[0]?.count;
    for (let count = 0; count < 8; count++) await outbox.countWaiting();
    const quiet = await countMarks();
    await outbox.countWaiting();
    expect(await countMarks()).toBe(quiet);
    await database.query("INSERT INTO outbox (events, batch, kind) VALUES (1, '', 'CREATED')");
    await database.query('DELETE FROM outbox');
    for (let count = 0; count < 2; count++) await outbox.countWaiting();
    expect(await countMarks()).toBeGreaterThan(quiet ?? 0);
  });

  test('now counts each purchase once, however often it reads during purchases', async () => {
    const database = await open();
    await createProduct(database);
    const now = watch(database);
    let made = 0;
    for (let round = 0; round < 12; round++) {
      await createAll(database, [createPurchase({}), createPurchase({})]);
      made += 2;
      await now.read(round % 3 === 0 ? 60 : 10);
    }
    await pollUntil('all to be counted', 10_000, async () =>
      expect(totals(await now.read(60)).ACTIVITY[0]).toBe(made),
    );
    // A reader that starts now sees the same.
    expect(totals(await watch(database).read(60)).ACTIVITY[0]).toBe(made);
  });
});

test('a purchase whose commit comes late is counted in the second in which it was made', async () => {
  const url = await createPostgresDatabase();
  const database = openPostgresServer({ url, maxConnections: 4, onConnectionError() {} });
  onTestFinished(() => database.close());
  await createProduct(database);
  const now = watch(database);
  let madeAt = new Date(0);
  await database.transaction(async (sql) => {
    const [row] = await sql.query<{ at: Date }>(
      `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id)
       VALUES (1001, 1, 1, 'SLOW', 'S1') RETURNING created_at AS at`,
    );
    madeAt = row?.at ?? madeAt;
    await pollUntil('others to look at seconds after it', 10_000, async () => {
      const { series, at } = await now.read(10);
      expect(series).toEqual([]);
      expect(at.getTime()).toBeGreaterThan(madeAt.getTime() + 2_500);
    });
  });
  const { series, from } = await now.read(10);
  const index = Math.floor(madeAt.getTime() / 1000) - from.getTime() / 1000;
  expect(series[0]?.purchases[index]).toBe(1);
});
