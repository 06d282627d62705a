import { describe, expect, test } from 'vitest';
import { postgresArchive } from '../../src/adapters/postgres/archive.ts';
import { audit } from '../../src/adapters/postgres/audit.ts';
import { removeEmptyTimes } from '../../src/adapters/postgres/counted-times.ts';
import { postgresInstanceQueries } from '../../src/adapters/postgres/instance-queries.ts';
import type { InstanceFilter } from '../../src/adapters/postgres/list-instances.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import { summarizePages } from '../../src/adapters/postgres/summarize-pages.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createAll, createProduct, createPurchase, failure, success } from '../support/parts.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

/** More than the first query covers, of three products and two sources, an hour for each thousand ids. */
const crowd = 26_000;
const firstAt = '2026-01-01T00:00:00Z';

async function insertCrowd(database: Database): Promise<void> {
  await database.query(
    `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, scope, status, reason, created_at)
     SELECT 2000 + n % 3, 1 + n % 5000, 10000000 + n, CASE n % 2 WHEN 0 THEN 'ORDER' ELSE 'ACTIVITY' END, 'C' || n, '',
       CASE n WHEN 77 THEN 'PROCESSING' WHEN 78 THEN 'FAILED' ELSE 'SUCCESS' END, CASE n WHEN 78 THEN 'no capacity' END,
       $2::timestamptz + n * interval '3600 ms' FROM generate_series(1, $1::int) AS n`,
    [crowd, firstAt],
  );
  await database.query(
    `INSERT INTO compensations (kind, source, source_id, product_id, user_id, instance_id, reason)
     SELECT 'REFUND', source, source_id, product_id, user_id, instance_id, reason FROM instance_logs
     WHERE status = 'FAILED'`,
  );
  await database.query(
    "INSERT INTO overdue (instance_id) SELECT instance_id FROM instance_logs WHERE status = 'PROCESSING'",
  );
  await database.query('UPDATE overdue_cursor SET id = (SELECT max(id) FROM instance_logs)');
}

/** The expected rows, computed without any of the faster ways. */
async function selectIds(database: Database, condition: string, values: unknown[]): Promise<string[]> {
  const rows = await database.query<{ id: string }>(
    `SELECT instance_id::text AS id FROM instance_logs WHERE ${condition} ORDER BY instance_logs.id DESC LIMIT 500`,
    values,
  );
  return rows.map(({ id }) => id);
}

describe.each(Object.entries(databases))('the list of instances on %s', (_, open) => {
  async function listIds(database: Database, filter: InstanceFilter, limit = 500): Promise<string[]> {
    const queries = postgresInstanceQueries(database);
    const ids: string[] = [];
    for (let cursor: string | undefined; ids.length < 500; ) {
      const page = await queries.listInstances(filter, limit, cursor);
      ids.push(...page.items.map(({ instanceId }) => instanceId.toString()));
      cursor = page.nextCursor;
      if (cursor === undefined) break;
    }
    return ids.slice(0, 500);
  }

  test('the list of instances holds what the rows hold, whatever the filter', async () => {
    const database = await open();
    await insertCrowd(database);
    await summarizePages(database);
    await createProduct(database);
    await createAll(database, [createPurchase({ userId: 42n }), createPurchase({ source: 'ORDER' })]);
    const cases: [InstanceFilter, string, unknown[]][] = [
      [{}, 'true', []],
      [{ source: 'ORDER' }, 'source = $1', ['ORDER']],
      [{ source: 'NOBODY' }, 'false', []],
      [{ status: 'PROCESSING' }, "status = 'PROCESSING'", []],
      [{ status: 'FAILED' }, "status = 'FAILED'", []],
      [{ overdue: true }, 'instance_id = 10000077', []],
      [{ overdue: true, source: 'ACTIVITY' }, 'instance_id = 10000077', []],
      [{ overdue: true, q: 'C77' }, 'instance_id = 10000077', []],
      [{ overdue: true, status: 'SUCCESS' }, 'false', []],
      [{ status: 'FAILED', productId: '2001' }, "status = 'FAILED' AND product_id = 2001", []],
      [{ status: 'SUCCESS', userId: '79' }, "status = 'SUCCESS' AND user_id = 79", []],
      [{ productId: '1001' }, 'product_id = 1001', []],
      [{ productId: '2002', userId: '20' }, 'product_id = 2002 AND user_id = 20', []],
      [{ userId: '42' }, 'user_id = 42', []],
      [{ source: 'ORDER', userId: '78' }, "source = 'ORDER' AND user_id = 78", []],
      [{ userId: '999999' }, 'false', []],
      [{ sourceId: 'C99' }, "source_id = 'C99'", []],
      [{ source: 'ACTIVITY', sourceId: 'C99' }, "source_id = 'C99'", []],
      [{ source: 'ORDER', sourceId: 'C99' }, 'false', []],
      [{ q: 'C100' }, "source_id = 'C100'", []],
      [{ q: '10000123' }, 'instance_id = 10000123', []],
      [{ q: '4321' }, 'user_id = 4321', []],
      [{ q: '4321', source: 'ORDER' }, "user_id = 4321 AND source = 'ORDER'", []],
      [{ q: 'not there' }, 'false', []],
    ];
    for (const [filter, condition, values] of cases) {
      const expected = await selectIds(database, condition, values);
      for (const limit of [500, 3]) {
        if (limit === 3 && expected.length > 50) continue;
        expect(await listIds(database, filter, limit), JSON.stringify({ filter, limit })).toEqual(expected);
      }
    }
    expect(await listIds(database, { status: 'PROCESSING' })).toContain('10000077');
    expect(await listIds(database, { status: 'FAILED' })).toEqual(['10000078']);
  });

  test('the list of instances matches the rows also below the audit’s checkpoint', async () => {
    const database = await open();
    await createProduct(database);
    const at = (hour: number) => new Date(Date.parse(firstAt) + hour * 3_600_000).toISOString();
    // GIFT: before and after many rows of other sources, and once among them.
    const groups: [string, number, number][] = [
      ['GIFT', 30, 0],
      ['SECKILL', 30, 1],
      ['ORDER', crowd, 2],
      ['GIFT', 1, 40],
      ['ORDER', crowd, 50],
      ['GIFT', 5, 90],
      ['ORDER', 100, 95],
    ];
    let first = 1;
    for (const [source, count, hour] of groups) {
      await database.query(
        `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, status, created_at)
         SELECT 1001, n, 10000000 + n, $1, 'S' || n, CASE n % 7 WHEN 0 THEN 'FAILED' ELSE 'SUCCESS' END,
           $4::timestamptz + (n - $2) * interval '3600 ms' FROM generate_series($2::int, $3::int) AS n`,
        [source, first, first + count - 1, at(hour)],
      );
      first += count;
    }
    await database.query(
      `INSERT INTO compensations (kind, source, source_id, product_id, user_id, instance_id, reason)
       SELECT 'REFUND', source, source_id, product_id, user_id, instance_id, 'x' FROM instance_logs WHERE status = 'FAILED'`,
    );
    const cases: [InstanceFilter, string][] = [
      [{ source: 'GIFT' }, "source = 'GIFT'"],
      [{ source: 'GIFT', status: 'SUCCESS' }, "source = 'GIFT' AND status = 'SUCCESS'"],
      [{ source: 'GIFT', status: 'FAILED' }, "source = 'GIFT' AND status = 'FAILED'"],
      [{ source: 'SECKILL' }, "source = 'SECKILL'"],
      [{ source: 'NOBODY' }, 'false'],
      [{ source: 'GIFT', to: new Date(at(60)) }, `source = 'GIFT' AND created_at < '${at(60)}'`],
      [{ source: 'GIFT', from: new Date(at(30)) }, `source = 'GIFT' AND created_at >= '${at(30)}'`],
    ];
    for (const isCounted of [false, true]) {
      if (isCounted) await audit(database, { read: async () => ({ streams: [], sales: [] }) });
      for (const [filter, condition] of cases) {
        const expected = await selectIds(database, condition, []);
        for (const limit of [500, 3]) {
          expect(
            await listIds(database, filter, limit),
            JSON.stringify({ filter, limit, isCounted }),
          ).toEqual(expected);
        }
      }
    }
  });

  test('between two times has what was created from the first on and before the second', async () => {
    const database = await open();
    await insertCrowd(database);
    const hour = (count: number) => new Date(Date.parse(firstAt) + count * 3_600_000);
    for (const [from, to, filter, condition] of [
      [hour(1), hour(1.2), {}, 'true'],
      [hour(0), hour(0.1), { userId: '50' }, 'user_id = 50'],
      [hour(25.9), undefined, { source: 'ORDER' }, "source = 'ORDER'"],
      [undefined, hour(0.05), {}, 'true'],
      [hour(0), hour(26), { userId: '50' }, 'user_id = 50'],
      [hour(30), hour(31), {}, 'true'],
    ] as const) {
      const expected = await selectIds(
        database,
        `${condition} AND ($1::timestamptz IS NULL OR created_at >= $1) AND ($2::timestamptz IS NULL OR created_at < $2)`,
        [from, to],
      );
      expect(await listIds(database, { from, to, ...filter }), `${from} ${to}`).toEqual(expected);
    }
    expect(await listIds(database, { from: hour(0), to: hour(0.1) })).toHaveLength(99);
  });
});

describe.each(Object.entries(databases))('the figures by source and by time on %s', (_, open) => {
  const noStreams = { read: async () => ({ streams: [], sales: [] }) };

  /** The same, computed directly from the rows. */
  async function countRows(database: Database) {
    return database.query(
      `SELECT source, count(*)::text AS total, count(*) FILTER (WHERE status = 'SUCCESS')::text AS success,
         count(*) FILTER (WHERE status = 'FAILED')::text AS failed,
         count(*) FILTER (WHERE status = 'PROCESSING')::text AS processing,
         round(100.0 * count(*) FILTER (WHERE status = 'SUCCESS') / count(*), 2)::text AS "successRate"
       FROM instance_logs GROUP BY source ORDER BY source`,
    );
  }

  async function countTimes(database: Database, step: string, from: Date, to: Date) {
    return database.query(
      `SELECT date_trunc($1, created_at, 'UTC') AS "bucketStart", source, count(*)::text AS count,
         count(*) FILTER (WHERE status = 'SUCCESS')::text AS success,
         count(*) FILTER (WHERE status = 'FAILED')::text AS failed
       FROM instance_logs WHERE created_at >= $2 AND created_at < $3 GROUP BY 1, 2 ORDER BY 1 DESC, 2`,
      [step, from, to],
    );
  }

  async function expectTheSame(database: Database): Promise<void> {
    const queries = postgresInstanceQueries(database);
    expect(await queries.countBySource()).toEqual(await countRows(database));
    const [from, to] = [new Date('2026-01-01T00:00:00Z'), new Date('2100-01-01T00:00:00Z')];
    for (const step of ['minute', 'hour', 'day'] as const) {
      expect(await queries.countByStep({ from, to, step })).toEqual(
        await countTimes(database, step, from, to),
      );
    }
    const [early, late] = [new Date('2026-01-01T03:00:00Z'), new Date('2026-01-01T05:00:00Z')];
    expect(await queries.countByStep({ from: early, to: late, step: 'hour', source: 'ORDER' })).toEqual(
      (await countTimes(database, 'hour', early, late)).filter(
        (row) => (row as { source: string }).source === 'ORDER',
      ),
    );
  }

  test('the figures by source and time match the rows before and after an audit', async () => {
    const database = await open();
    await insertCrowd(database);
    await createProduct(database);
    const ids = await createAll(database, [createPurchase({}), createPurchase({}), createPurchase({})]);
    await expectTheSame(database);

    await audit(database, noStreams);
    expect(await database.query('SELECT instance_id::text AS id FROM audit_open')).toEqual([
      { id: '10000077' },
    ]);
    await settleResults(database, [success(ids[0] as never), failure(ids[1] as never)]);
    await expectTheSame(database);

    await settleResults(database, [failure(10_000_077n as never)]);
    await audit(database, noStreams);
    expect(await database.query('SELECT 1 FROM audit_open')).toEqual([]);
    await expectTheSame(database);
    await audit(database, noStreams, { full: true });
    await expectTheSame(database);

    await database.query('UPDATE instance_logs SET updated_at = created_at');
    await database.query("UPDATE compensations SET status = 'DONE', outcome = 'REFUNDED', done_at = now()");
    const rows = postgresArchive(database);
    const { lines } = await rows.findOld(86_400_000, '0', 3_000);
    expect(lines).toHaveLength(3_000);
    await rows.remove(lines.map(({ id }) => id));
    await removeEmptyTimes(database);
    await expectTheSame(database);
  });
});
