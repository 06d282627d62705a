import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { postgresArchive } from '../../src/adapters/postgres/archive.ts';
import { forgetCounts } from '../../src/adapters/postgres/audit-checkpoint.ts';
import { postgresInstanceLogs } from '../../src/adapters/postgres/instance-logs.ts';
import { postgresInstanceQueries } from '../../src/adapters/postgres/instance-queries.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import type { InstanceId, Purchase } from '../../src/core/instance/purchase.ts';
import type { Database } from '../../src/lib/sql.ts';
import { archiveOld } from '../../src/ops/retention/archive.ts';
import { archiveFiles } from '../../src/ops/retention/archive-files.ts';
import { auditEmbedded } from '../support/audit-embedded.ts';
import {
  createAll,
  createCreation,
  createProduct,
  createPurchase,
  failure,
  readWaiting,
  success,
} from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createFolder, openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };
const aDayMs = 86_400_000;
const stream = 'stream:seckill:1001';

async function makeOldAndCounted(database: Database): Promise<void> {
  await database.query(
    "UPDATE instance_logs SET created_at = created_at - interval '3 days', updated_at = updated_at - interval '3 days'",
  );
  await database.query(
    "UPDATE compensations SET status = 'DONE', outcome = 'RESTOCKED', done_at = now() WHERE kind = 'RESTOCK'",
  );
  await auditEmbedded(database);
}

async function archiveAll(database: Database, folder: string): Promise<number> {
  return archiveOld(postgresArchive(database), archiveFiles(folder), aDayMs);
}

describe.each(Object.keys(databases))('archived instances on %s', (name) => {
  async function setUp(purchases: Purchase[]) {
    const database = await databases[name as keyof typeof databases]();
    await createProduct(database);
    await createProduct(database, 1002n);
    const ids = await createAll(database, purchases);
    await settleResults(database, [failure(ids[0] as InstanceId), ...ids.slice(1).map(success)]);
    await makeOldAndCounted(database);
    expect(await archiveAll(database, await createFolder())).toBe(ids.length);
    const { createInstances } = createCreation(database);
    return { database, ids, createInstances };
  }
  const entry = (sourceId: string, userId = 5n) =>
    createPurchase({ source: 'SECKILL', scope: stream, sourceId, userId });

  test('a repeat of an archived purchase returns its instance and creates no second', async () => {
    const purchases = [entry('1-0'), createPurchase({}), createPurchase({ source: 'ORDER', sourceId: 'O1' })];
    const { database, ids, createInstances } = await setUp(purchases);
    const outcomes = await createInstances([...purchases, entry('2-0')]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['duplicate', 'duplicate', 'duplicate', 'created']);
    expect(outcomes.slice(0, 3)).toMatchObject(ids.map((instanceId) => ({ instance: { instanceId } })));
    expect(await database.query('SELECT source_id FROM instance_logs')).toEqual([{ source_id: '2-0' }]);
  });

  test('a repeat of an archived purchase with another user or product is a conflict', async () => {
    const { createInstances, database } = await setUp([entry('1-0')]);
    const other = { ...entry('1-0'), productId: 1002n as Purchase['productId'] };
    expect(await createInstances([entry('1-0', 6n)])).toMatchObject([{ kind: 'conflict' }]);
    expect(await createInstances([other])).toMatchObject([{ kind: 'conflict' }]);
    expect(await database.query('SELECT 1 FROM instance_logs')).toEqual([]);
  });

  test('an archived instance is found by its id, marked as archived', async () => {
    const { database, ids } = await setUp([entry('1-0')]);
    expect(await postgresInstanceQueries(database).findInstance(ids[0] as bigint)).toMatchObject({
      sourceId: '1-0',
      status: 'FAILED',
      reason: 'no capacity',
      archived: true,
    });
  });

  test('a redelivered entry whose instance is archived counts as finished', async () => {
    const { database } = await setUp([entry('1-0')]);
    expect(await postgresInstanceLogs(database).findFinished(stream, ['1-0', '9-0'])).toEqual(
      new Set(['1-0']),
    );
  });

  test('a late result is judged against the archived instance and requests its release', async () => {
    const { database, ids } = await setUp([entry('1-0'), createPurchase({})]);
    const [failed, built] = ids as [InstanceId, InstanceId];
    expect(await settleResults(database, [failure(failed), success(built)])).toEqual(['repeat', 'repeat']);
    expect(await settleResults(database, [success(failed)])).toEqual(['contradicts']);
    const waiting = await readWaiting(database);
    expect(waiting.map(({ id }) => id)).toContain(`release-${failed}`);
  });
});

test('an insert that began before the archive committed makes no second instance', async () => {
  const database = await openTestPostgres();
  await createProduct(database);
  const purchase = createPurchase({ sourceId: 'RACE' });
  const [id] = (await createAll(database, [purchase])) as [InstanceId];
  await settleResults(database, [success(id)]);
  await makeOldAndCounted(database);
  const [row] = await database.query<{ id: string }>('SELECT id::text FROM instance_logs');
  let repeat: Promise<unknown> = Promise.resolve();
  await database.transaction(async (sql) => {
    const inTransaction = {
      ...database,
      query: sql.query.bind(sql),
      transaction: (work: never) => run(work),
    };
    const run = (work: (inner: typeof sql) => unknown) => work(sql) as never;
    await postgresArchive(inTransaction as never).remove([row?.id as string]);
    repeat = createCreation(database).createInstances([purchase]);
    await pollUntil('the repeat to wait for the archive', 10_000, async () => {
      const waiting = await database.query(
        "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'",
      );
      if (waiting.length === 0) throw new Error('it does not wait');
    });
  });
  expect(await repeat).toMatchObject([{ kind: 'duplicate', instance: { instanceId: id } }]);
  expect(await database.query('SELECT 1 FROM instance_logs')).toEqual([]);
});

test('a full audit that runs while rows are archived counts each of them once', async () => {
  const database = await openTestPostgres();
  await createProduct(database);
  const ids = await createAll(
    database,
    Array.from({ length: 40 }, () => createPurchase({})),
  );
  await settleResults(database, ids.map(success));
  await makeOldAndCounted(database);
  const rows = await database.query<{ id: string }>('SELECT id::text FROM instance_logs ORDER BY id');
  let archiving: Promise<number> = Promise.resolve(0);
  await database.transaction(async (sql) => {
    await forgetCounts(sql);
    archiving = postgresArchive(database).remove(rows.map(({ id }) => id));
    await pollUntil('the archive to wait for the audit', 10_000, async () => {
      const waiting = await database.query('SELECT 1 FROM pg_locks WHERE NOT granted');
      if (waiting.length === 0) throw new Error('it does not wait');
    });
  });
  // Nothing is counted again yet, so nothing may be archived.
  expect(await archiving).toBe(0);
  const { sums } = await auditEmbedded(database, { full: true });
  expect(sums.find(({ name }) => name === 'events')).toMatchObject({ expected: 40 });
  expect(await postgresArchive(database).remove(rows.map(({ id }) => id))).toBe(40);
  const after = await auditEmbedded(database, { full: true });
  expect(after.sums.find(({ name }) => name === 'events')).toMatchObject({ expected: 40 });
});

describe('archive files', () => {
  const lines = (count: number) =>
    Array.from({ length: count }, (_, i) => JSON.stringify({ instanceId: `${i}` }));

  async function readAll(folder: string): Promise<Set<string>> {
    const names = (await readdir(folder)).filter((file) => file.endsWith('.jsonl.gz'));
    const texts = await Promise.all(
      names.map(async (file) => gunzipSync(await readFile(join(folder, file)))),
    );
    return new Set(texts.flatMap((text) => text.toString().trimEnd().split('\n')));
  }

  test('processes that write pages of the same name to one folder keep every line', async () => {
    const folder = await createFolder();
    const pages = [lines(2_000), lines(3), lines(2_000), lines(500)];
    await Promise.all(pages.map((page) => archiveFiles(folder).write('instances-1-9', page)));
    expect(await readAll(folder)).toEqual(new Set(lines(2_000)));
    // The same lines form one file.
    expect(await readdir(folder)).toHaveLength(3);
  });

  test('an unfinished archive file is removed a day after its process was killed', async () => {
    const folder = await createFolder();
    for (const name of ['old.part', 'in-use.part']) await writeFile(join(folder, name), 'x');
    await utimes(join(folder, 'old.part'), 1, 1);
    await archiveFiles(folder).write('instances-1-1', lines(1));
    const left = await readdir(folder);
    expect(left).toContain('in-use.part');
    expect(left).not.toContain('old.part');
  });
});
