import { describe, expect, test } from 'vitest';
import { shareTransaction } from '../../src/adapters/embedded/share-transaction.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.keys(databases))('a shared transaction on %s', (name) => {
  async function setUp() {
    const database = await databases[name as keyof typeof databases]();
    await database.runScript('DROP TABLE IF EXISTS shared; CREATE TABLE shared (id INTEGER)');
    const view = shareTransaction(database);
    const read = async () =>
      (await database.query<{ id: number }>('SELECT id FROM shared ORDER BY id')).map(({ id }) => id);
    return { database, view, read };
  }

  test('what both parts write is committed together', async () => {
    const { view, read } = await setUp();
    await view.transaction(async (sql) => {
      await sql.query('INSERT INTO shared VALUES (1)');
      await view.query('INSERT INTO shared VALUES (2)');
    });
    expect(await read()).toEqual([1, 2]);
  });

  test('what both parts wrote is undone together', async () => {
    const { view, read } = await setUp();
    const broken = view.transaction(async (sql) => {
      await view.query('INSERT INTO shared VALUES (1)');
      await sql.query('INSERT INTO shared VALUES (2)');
      throw new Error('the publisher failed');
    });
    await expect(broken).rejects.toThrow('the publisher failed');
    expect(await read()).toEqual([]);
    await view.query('INSERT INTO shared VALUES (3)');
    expect(await read()).toEqual([3]);
  });

  test('two transactions on one view wait for each other', async () => {
    const { view } = await setUp();
    const order: string[] = [];
    const run = (which: string) =>
      view.transaction(async () => {
        order.push(`${which} begins`);
        await view.query('SELECT 1');
        order.push(`${which} ends`);
      });
    await Promise.all([run('first'), run('second')]);
    expect(order).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
  });
});
