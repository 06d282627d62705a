import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parkItems, postgresParked } from '../../src/adapters/postgres/parked.ts';
import { postgresParkedQueries } from '../../src/adapters/postgres/parked-queries.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import { isTransientDatabaseError } from '../../src/adapters/postgres/transient.ts';
import type { InstanceId, UserId } from '../../src/core/instance/purchase.ts';
import { ParkedReplay } from '../../src/core/parked/replay.ts';
import { encodeResult } from '../../src/core/results/result.ts';
import { encodeOriginal } from '../../src/core/triggers/encode-original.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createActor } from '../support/actors.ts';
import {
  createAll,
  createCreation,
  createProduct,
  createPurchase,
  readWaiting,
  success,
} from '../support/parts.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };
const stream = 'stream:seckill:1001';

function parkEntry(database: Database, sourceId: string, fields: string[], scope = stream) {
  const original =
    fields.length > 0 ? encodeOriginal(fields.map((part) => Buffer.from(part))) : Buffer.alloc(0);
  const item = {
    origin: 'STREAM' as const,
    detail: 'as it was',
    source: 'SECKILL',
    scope,
    sourceId,
    original,
  };
  return parkItems(database, [{ ...item, reason: 'PRODUCT_NOT_FOUND' }]);
}

describe.each(Object.keys(databases))('parked items on %s', (name) => {
  async function setUp() {
    const database = await databases[name as keyof typeof databases]();
    const rows = postgresParked(database);
    const desk = new ParkedReplay({
      rows,
      payOrder: () => Promise.reject(new Error('no payment is replayed here')),
      createInstances: createCreation(database).createInstances,
      settle: (results) => settleResults(database, results),
      isTransient: isTransientDatabaseError,
      onResolved() {},
    });
    const list = (filter = {}) => postgresParkedQueries(database).listParked(filter, 100, undefined);
    const onlyId = async () => {
      const [item] = await list({ state: 'ALL' });
      if (!item) throw new Error('nothing is parked');
      return item.id;
    };
    return { database, rows, desk, list, onlyId };
  }

  test('a parked entry replays with its identity, and a repeat answers the same', async () => {
    const { database, desk, onlyId, list } = await setUp();
    await parkEntry(database, '1700-0', ['uid', '123', 'ts', '1']);
    const id = await onlyId();
    expect(await desk.replay(id, createActor('me'))).toMatchObject({
      state: 'PARKED',
      error: expect.objectContaining({ code: 'PRODUCT_NOT_FOUND' }),
    });
    expect(await list()).toMatchObject([{ id, attempts: 1, reason: 'PRODUCT_NOT_FOUND' }]);
    await createProduct(database);
    const outcome = await desk.replay(id, createActor('me'));
    expect(outcome.state).toBe('REPLAYED');
    const instances = await database.query(
      'SELECT source, source_id, scope, user_id::text FROM instance_logs',
    );
    expect(instances).toEqual([{ source: 'SECKILL', source_id: '1700-0', scope: stream, user_id: '123' }]);
    expect(await desk.replay(id, createActor('somebody else'))).toEqual(outcome);
    expect(await database.query('SELECT 1 FROM instance_logs')).toHaveLength(1);
    expect(await list()).toEqual([]);
    expect(await list({ state: 'REPLAYED' })).toMatchObject([
      { id, resolvedBy: 'me', instanceId: outcome.instanceId },
    ]);
  });

  test('replayed at the same time by two, an entry makes one instance', async () => {
    const { database, desk, onlyId } = await setUp();
    await createProduct(database);
    await parkEntry(database, '1700-0', ['uid', '123']);
    const id = await onlyId();
    const outcomes = await Promise.all([1, 2, 3].map(() => desk.replay(id, createActor('me'))));
    expect(new Set(outcomes.map(({ instanceId }) => instanceId)).size).toBe(1);
    expect(await database.query('SELECT 1 FROM instance_logs')).toHaveLength(1);
  });

  test('an entry that made its instance after all is replayed as that one', async () => {
    const { database, desk, onlyId } = await setUp();
    await createProduct(database);
    const purchase = createPurchase({ source: 'SECKILL', scope: stream, sourceId: '1700-0', userId: 123n });
    const [instanceId] = (await createAll(database, [purchase])) as [InstanceId];
    await parkEntry(database, '1700-0', ['uid', '123']);
    expect(await desk.replay(await onlyId(), createActor('me'))).toMatchObject({
      state: 'REPLAYED',
      instanceId: instanceId.toString(),
      statement: { code: 'INSTANCE_FOUND', params: { instanceId: instanceId.toString() } },
    });
  });

  test.each([
    ['a malformed user', ['uid', 'abc'], 'USER_ID_INVALID'],
    ['no user', ['ts', '1'], 'USER_ID_INVALID'],
    ['nothing left of it', [], 'NOTHING_TO_REPLAY'],
  ])('an entry with %s stays where it is and says why', async (_, fields, reason) => {
    const { database, desk, onlyId, list } = await setUp();
    await createProduct(database);
    await parkEntry(database, '1700-0', fields);
    const id = await onlyId();
    expect(await desk.replay(id, createActor('me'))).toMatchObject({
      state: 'PARKED',
      error: expect.objectContaining({ code: reason }),
    });
    expect(await list()).toHaveLength(1);
  });

  test.each([
    ['nothing left of it', []],
    ['no user', ['ts', '1']],
    ['a malformed user', ['uid', 'abc']],
  ])('an entry with %s is replayed for the user that an operator found', async (_, fields) => {
    const { database, desk, onlyId } = await setUp();
    await createProduct(database);
    await parkEntry(database, '1700-0', fields);
    const id = await onlyId();
    const outcome = await desk.replay(id, createActor('me'), { userId: 42n as UserId });
    expect(outcome).toMatchObject({ state: 'REPLAYED', instanceId: expect.any(String) });
    expect(await desk.replay(id, createActor('me'), { userId: 42n as UserId })).toEqual(outcome);
    expect(await database.query('SELECT source_id, scope, user_id::text FROM instance_logs')).toEqual([
      { source_id: '1700-0', scope: stream, user_id: '42' },
    ]);
  });

  test('an entry that names its user is not replayed for another one', async () => {
    const { database, desk, onlyId } = await setUp();
    await parkEntry(database, '1700-0', ['uid', '123']);
    const id = await onlyId();
    await expect(desk.replay(id, createActor('me'), { userId: 42n as UserId })).rejects.toMatchObject({
      code: 'PURCHASE_CONFLICT',
    });
    await createProduct(database);
    expect(await desk.replay(id, createActor('me'), { userId: 123n as UserId })).toMatchObject({
      state: 'REPLAYED',
    });
  });

  test('a discarded item keeps its reason and cannot be replayed', async () => {
    const { database, desk, onlyId, list } = await setUp();
    await createProduct(database);
    await parkEntry(database, '1700-0', ['uid', '123']);
    const id = await onlyId();
    const outcome = await desk.discard(id, createActor('me'), 'a test of ours');
    const statement = { code: 'NOTE', params: { note: 'a test of ours' } };
    expect(outcome).toMatchObject({ state: 'DISCARDED', statement });
    expect(await desk.discard(id, createActor('you'), 'another reason')).toEqual(outcome);
    await expect(desk.replay(id, createActor('me'))).rejects.toThrow('discarded by me: a test of ours');
    expect(await database.query('SELECT 1 FROM instance_logs')).toEqual([]);
    expect(await list({ state: 'ALL' })).toMatchObject([{ state: 'DISCARDED', resolution: statement }]);
  });

  test('a replayed item cannot be discarded', async () => {
    const { database, desk, onlyId } = await setUp();
    await createProduct(database);
    await parkEntry(database, '1700-0', ['uid', '123']);
    const id = await onlyId();
    await desk.replay(id, createActor('me'));
    await expect(desk.discard(id, createActor('me'), 'x')).rejects.toThrow('was replayed by me');
  });

  test('a refused message returns to the outbox once with its id, type and bytes', async () => {
    const { database, desk, onlyId } = await setUp();
    const message = {
      messageId: 'refund-17',
      messageType: 'ORDER_REFUND_REQUESTED',
      kind: 'REFUND' as const,
    };
    await parkItems(database, [
      {
        origin: 'OUTBOX',
        reason: 'MESSAGE_REFUSED',
        detail: 'message nacked',
        source: '',
        scope: '',
        sourceId: 'refund-17',
        original: Buffer.from([1, 0, 255]),
        ...message,
      },
    ]);
    const id = await onlyId();
    await Promise.all([
      desk.replay(id, createActor('me')),
      desk.replay(id, createActor('me')),
      desk.replay(id, createActor('me')),
    ]);
    const waiting = await readWaiting(database);
    expect(waiting.map(({ id, type, kind, body }) => [id, type, kind, body.toString('hex')])).toEqual([
      ['refund-17', 'ORDER_REFUND_REQUESTED', 'REFUND', '0100ff'],
    ]);
  });

  test('a result is replayed once its instance is here; before, it stays', async () => {
    const { database, desk, onlyId } = await setUp();
    await createProduct(database);
    const [instanceId] = (await createAll(database, [createPurchase({})])) as [InstanceId];
    await database.query('UPDATE instance_logs SET instance_id = instance_id + 1');
    const original = encodeResult(success(instanceId));
    const sourceId = createHash('sha256').update(original).digest('hex');
    const item = { origin: 'RESULT' as const, detail: 'x', source: '', scope: 'q', sourceId, original };
    await parkItems(database, [{ ...item, reason: 'RESULT_NOT_FOUND' }]);
    const id = await onlyId();
    expect(await desk.replay(id, createActor('me'))).toMatchObject({ state: 'PARKED' });
    await database.query('UPDATE instance_logs SET instance_id = instance_id - 1');
    expect(await desk.replay(id, createActor('me'))).toMatchObject({
      state: 'REPLAYED',
      statement: { code: 'RESULT_SETTLED', params: { status: 'SUCCESS', outcome: 'applied' } },
    });
    expect(await database.query('SELECT status FROM instance_logs')).toEqual([{ status: 'SUCCESS' }]);
  });

  test('an item parked again after a replay is open, and a discarded one stays discarded', async () => {
    const { database, desk, list } = await setUp();
    await createProduct(database);
    await parkEntry(database, '1-0', ['uid', '1']);
    await parkEntry(database, '2-0', ['uid', '2']);
    const [second, first] = await list();
    await desk.replay(first?.id as string, createActor('me'));
    await desk.discard(second?.id as string, createActor('me'), 'x');
    await parkEntry(database, '1-0', ['uid', '1']);
    await parkEntry(database, '2-0', ['uid', '2']);
    expect((await list()).map(({ sourceId }) => sourceId)).toEqual(['1-0']);
  });

  test('parked items are found by origin, reason, source and scope', async () => {
    const { database, list } = await setUp();
    await parkEntry(database, '1-0', ['uid', '1']);
    await parkEntry(database, '1-0', ['uid', '1'], 'stream:seckill:7');
    expect(await list({ scope: 'stream:seckill:7' })).toHaveLength(1);
    expect(await list({ reason: 'PRODUCT_NOT_FOUND', origin: 'STREAM', source: 'SECKILL' })).toHaveLength(2);
    expect(await list({ origin: 'RESULT' })).toEqual([]);
  });

  test('parked items that do not exist are unknown', async () => {
    const { desk } = await setUp();
    await expect(desk.replay('17', createActor('me'))).rejects.toMatchObject({ code: 'PARKED_NOT_FOUND' });
    await expect(desk.discard('17', createActor('me'), 'x')).rejects.toMatchObject({
      code: 'PARKED_NOT_FOUND',
    });
  });
});
