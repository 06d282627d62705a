import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { postgresArchive } from '../../src/adapters/postgres/archive.ts';
import {
  forgetIdempotencyKeys,
  removeOutboxMarks,
  removeResolvedItems,
} from '../../src/adapters/postgres/old-records.ts';
import { postgresOrders } from '../../src/adapters/postgres/orders.ts';
import { parkItems } from '../../src/adapters/postgres/parked.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import type { Database } from '../../src/lib/sql.ts';
import { archiveOld } from '../../src/ops/retention/archive.ts';
import { archiveFiles } from '../../src/ops/retention/archive-files.ts';
import { clean } from '../../src/ops/retention/cleaner.ts';
import { createActor } from '../support/actors.ts';
import { auditEmbedded } from '../support/audit-embedded.ts';
import {
  createAll,
  createPaidOrder,
  createProduct,
  createPurchase,
  failure,
  success,
} from '../support/parts.ts';
import { createFolder, openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };
const aDayMs = 86_400_000;

async function makeOld(database: Database): Promise<void> {
  await database.query(
    "UPDATE instance_logs SET created_at = created_at - interval '3 days', updated_at = updated_at - interval '3 days'",
  );
  await database.query("UPDATE orders SET paid_at = paid_at - interval '3 days'");
  await database.query(
    "UPDATE compensations SET status = 'DONE', outcome = 'REFUNDED', done_at = now() WHERE kind = 'REFUND'",
  );
}

async function readArchive(folder: string): Promise<Record<string, unknown>[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.jsonl.gz')).sort();
  const texts = await Promise.all(
    files.map(async (file) => gunzipSync(await readFile(join(folder, file))).toString()),
  );
  return texts
    .join('')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe.each(Object.keys(databases))('cleaning on %s', (name) => {
  async function setUp() {
    const database = await databases[name as keyof typeof databases]();
    await createProduct(database);
    const folder = await createFolder();
    const archive = (afterWrite?: () => void) =>
      archiveOld(postgresArchive(database), archiveFiles(folder), aDayMs, afterWrite ? { afterWrite } : {});
    const runAudit = (full = false) => auditEmbedded(database, { full });
    return { database, folder, archive, runAudit };
  }

  test('cleaning archives settled, old, counted rows, and every sum still holds', async () => {
    const { database, folder, archive, runAudit } = await setUp();
    const purchases = [
      createPurchase({ sourceId: 'old-1' }),
      await createPaidOrder(database, 'ORD1'),
      createPurchase({ sourceId: 'open' }),
    ];
    const [built, failed, open] = (await createAll(database, purchases)) as [
      InstanceId,
      InstanceId,
      InstanceId,
    ];
    await settleResults(database, [success(built), failure(failed), failure(built, 'no!')]);
    await makeOld(database);
    const [fresh] = (await createAll(database, [createPurchase({ sourceId: 'new' })])) as [InstanceId];
    await settleResults(database, [success(fresh)]);
    // Not counted yet: nothing may be removed.
    expect(await archive()).toBe(0);
    await database.query('INSERT INTO overdue SELECT $1::bigint', [open.toString()]);
    const sums = async (full = false) =>
      (await runAudit(full)).sums.map(({ name, expected }) => [name, expected]);
    const before = await sums();
    expect(await archive()).toBe(2);
    expect(await archive()).toBe(0);
    const lines = await readArchive(folder);
    expect(lines.map(({ instanceId }) => instanceId)).toEqual([built.toString(), failed.toString()]);
    expect(lines[0]).toMatchObject({
      status: 'SUCCESS',
      sourceId: 'old-1',
      history: [{ what: 'RESULT_CONFLICT', detail: 'FAILED: no!' }],
    });
    expect(lines[1]).toMatchObject({
      status: 'FAILED',
      compensation: { kind: 'REFUND', outcome: 'REFUNDED' },
    });
    const left = await database.query('SELECT source_id FROM instance_logs ORDER BY id');
    expect(left).toEqual([{ source_id: 'open' }, { source_id: 'new' }]);
    expect(await sums()).toEqual(before);
    expect(await sums(true)).toEqual(before);
    expect(await runAudit()).toMatchObject({ ok: true });
  });

  test('cleaning archives no instance with an open compensation', async () => {
    const { database, archive, runAudit } = await setUp();
    const [id] = (await createAll(database, [await createPaidOrder(database, 'ORD1')])) as [InstanceId];
    await settleResults(database, [failure(id)]);
    await database.query(
      "UPDATE instance_logs SET created_at = now() - interval '3 days', updated_at = now() - interval '3 days'",
    );
    await runAudit();
    expect(await archive()).toBe(0);
    await makeOld(database);
    expect(await archive()).toBe(1);
  });

  test('cleaning that was killed writes the same archive file again, then removes rows', async () => {
    const { database, folder, archive, runAudit } = await setUp();
    const [id] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    await settleResults(database, [success(id)]);
    await makeOld(database);
    await runAudit();
    await expect(
      archive(() => {
        throw new Error('killed');
      }),
    ).rejects.toThrow('killed');
    expect(await database.query('SELECT 1 FROM instance_logs')).toHaveLength(1);
    expect(await archive()).toBe(1);
    expect(await readArchive(folder)).toHaveLength(1);
  });

  test('cleaning removes resolved parked items, never open ones, and the sums hold', async () => {
    const { database, runAudit } = await setUp();
    await database.query("INSERT INTO embedded_streams VALUES ('stream:seckill:1001', 2)");
    const item = {
      origin: 'STREAM' as const,
      reason: 'USER_ID_INVALID' as const,
      detail: 'x',
      source: 'SECKILL',
      scope: 'stream:seckill:1001',
      original: Buffer.alloc(0),
    };
    await parkItems(database, [
      { ...item, sourceId: '1-0' },
      { ...item, sourceId: '2-0' },
    ]);
    await database.query(
      "UPDATE parked SET state = 'DISCARDED', resolved_at = now() - interval '2 days' WHERE source_id = '1-0'",
    );
    expect(await runAudit()).toMatchObject({ ok: true });
    expect(await removeResolvedItems(database, aDayMs)).toBe(1);
    expect(await removeResolvedItems(database, aDayMs)).toBe(0);
    expect(await database.query('SELECT source_id FROM parked')).toEqual([{ source_id: '2-0' }]);
    expect(await runAudit()).toMatchObject({ ok: true });
  });

  test('cleaning deletes idempotency keys of old orders, not of pending ones', async () => {
    const { database } = await setUp();
    const orders = postgresOrders(database);
    for (const id of ['ORD1', 'ORD2']) {
      await createPaidOrder(database, id);
      await database.query('UPDATE orders SET idempotency_key = id WHERE id = $1', [id]);
    }
    await orders.cancelOrder('ORD1', createActor());
    await database.query("UPDATE orders SET created_at = now() - interval '2 days'");
    expect(await forgetIdempotencyKeys(database, aDayMs)).toBe(1);
    expect(await orders.findOrderByKey('ORD1')).toBeUndefined();
    expect((await orders.findOrderByKey('ORD2'))?.id).toBe('ORD2');
  });

  test('cleaning repeats a chore in small steps and reports how many rows went', async () => {
    const { database } = await setUp();
    await database.query('DELETE FROM outbox_marks');
    await database.query(
      `INSERT INTO outbox_marks SELECT now() - interval '2 days' - make_interval(secs => n), 0, NULL
       FROM generate_series(1, 2500) AS n`,
    );
    await database.query('INSERT INTO outbox_marks VALUES (now(), 0, NULL)');
    const told: [string, number][] = [];
    await clean(
      { marks: () => removeOutboxMarks(database, aDayMs) },
      (what, count) => told.push([what, count]),
      new AbortController().signal,
    );
    expect(told).toEqual([['marks', 2500]]);
    expect(await database.query('SELECT 1 FROM outbox_marks')).toHaveLength(1);
  });

  test('cleaning keeps the newest mark, however old it is', async () => {
    const { database } = await setUp();
    await database.query("UPDATE outbox_marks SET at = now() - interval '2 days'");
    await database.query("INSERT INTO outbox_marks VALUES (now() - interval '3 days', 0, NULL)");
    expect(await removeOutboxMarks(database, aDayMs)).toBe(1);
    expect(await removeOutboxMarks(database, aDayMs)).toBe(0);
  });
});
