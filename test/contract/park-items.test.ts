import { describe, expect, test } from 'vitest';
import { parkItems } from '../../src/adapters/postgres/parked.ts';
import type { Database } from '../../src/lib/sql.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const stores = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

const createItem = (sourceId: string, rest: object = {}) => ({
  origin: 'STREAM' as const,
  reason: 'USER_ID_INVALID' as const,
  detail: 'no user',
  source: 'SECKILL',
  scope: 'stream:seckill:1001',
  sourceId,
  original: Buffer.from('["uid","x"]'),
  ...rest,
});

const countParked = async (database: Database) =>
  Number((await database.query<{ n: string }>('SELECT count(*)::text AS n FROM parked'))[0]?.n);

describe.each(Object.entries(stores))('parking on %s', (_, open) => {
  test('a batch that PostgreSQL refuses in part is not parked at all', async () => {
    const database = await open();
    const large = Buffer.alloc(5 * 1024 * 1024, 1);
    const items = [
      createItem('1-0', { original: large }),
      createItem('2-0', { original: large }),
      createItem('3-0', { source: 'Z_SOURCE_OF_MORE_THAN_TWENTY_LETTERS' }),
    ];
    await expect(parkItems(database, items)).rejects.toThrow('too long');
    expect(await countParked(database)).toBe(0);
    await parkItems(database, items.slice(0, 2));
    const rows = await database.query<{ bytes: Buffer }>('SELECT original AS bytes FROM parked');
    expect(rows.map(({ bytes }) => large.equals(bytes))).toEqual([true, true]);
  });

  test('a batch that names one item twice parks it once, with its first reason', async () => {
    const database = await open();
    await parkItems(database, [createItem('1-0'), createItem('1-0', { reason: 'ENTRY_DELETED' })]);
    expect(await database.query('SELECT reason FROM parked')).toEqual([{ reason: 'USER_ID_INVALID' }]);
  });

  test('every byte and every letter that an entry can hold is parked', async () => {
    const database = await open();
    const original = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const odd = `"{},\\NULL\0\ud800é💥'`;
    await parkItems(database, [createItem('1-0', { original, detail: odd, scope: odd })]);
    const [row] = await database.query<{ original: Buffer; detail: string; scope: string }>(
      'SELECT * FROM parked',
    );
    expect(Buffer.from(row?.original ?? []).equals(original)).toBe(true);
    expect([row?.detail, row?.scope]).toEqual(Array(2).fill(`"{},\\NULL\u2400\ufffdé💥'`));
  });

  test('a key that no index can hold is parked under its beginning and its digest', async () => {
    const database = await open();
    const keys = ['x', 'y', '界'].map((end) => `stream:seckill:${'k'.repeat(6_000)}${end}`);
    await parkItems(
      database,
      keys.map((scope) => createItem('1-0', { scope })),
    );
    await parkItems(
      database,
      keys.map((scope) => createItem('1-0', { scope })),
    );
    const rows = await database.query<{ scope: string }>('SELECT scope FROM parked');
    expect(rows).toHaveLength(3);
    for (const { scope } of rows) expect(scope).toMatch(/^stream:seckill:k+… sha256:[0-9a-f]{64}$/);
  });
});

test('ten thousand items are parked in a few statements', async () => {
  const database = await openTestPostgres();
  let statements = 0;
  const counted: Database = {
    ...database,
    query(statement, values) {
      statements++;
      return database.query(statement, values);
    },
  };
  await parkItems(
    counted,
    Array.from({ length: 10_000 }, (_, i) => createItem(`${i}-0`)),
  );
  expect(await countParked(database)).toBe(10_000);
  expect(statements).toBeLessThan(5);
});
