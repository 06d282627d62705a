import { describe, expect, test } from 'vitest';
import { EmbeddedQueueConsumer } from '../../src/adapters/embedded/queue-consumer.ts';
import type { Database } from '../../src/lib/sql.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };
const add = (database: Pick<Database, 'query'>, id: number) =>
  database.query(
    `INSERT INTO embedded_queue (id, queue, message_id, body) OVERRIDING SYSTEM VALUE VALUES ($1, 'q', $2, '')`,
    [id, `${id}`],
  );
const soon = () => AbortSignal.timeout(300);
const namesOf = (messages: readonly { messageId: string }[]) => messages.map(({ messageId }) => messageId);

describe.each(Object.keys(databases))('an embedded queue on %s', (name) => {
  const open = databases[name as keyof typeof databases];

  test('an embedded queue hands out a message once a life, again if unacknowledged', async () => {
    const database = await open();
    for (const id of [1, 2, 3]) await add(database, id);
    const options = { isOnlyConsumer: name === 'PGlite' };
    const consumer = new EmbeddedQueueConsumer(database, 'q', options);
    const messages = await consumer.take(2, soon());
    expect(namesOf(messages)).toEqual(['1', '2']);
    expect(namesOf(await consumer.take(2, soon()))).toEqual(['3']);
    expect(await consumer.take(2, soon())).toEqual([]);
    await consumer.acknowledge(messages.slice(0, 1));
    expect(await consumer.readProgress()).toEqual({ waiting: 2, finished: 1 });
    expect(namesOf(await new EmbeddedQueueConsumer(database, 'q', options).take(9, soon()))).toEqual([
      '2',
      '3',
    ]);
  });
});

test('a message that is committed after a later one was read is read as well', async () => {
  const database = await openTestPostgres();
  const consumer = new EmbeddedQueueConsumer(database, 'q', { isOnlyConsumer: false });
  await database.transaction(async (sql) => {
    await add(sql, 1);
    await add(database, 2);
    expect(namesOf(await consumer.take(9, soon()))).toEqual(['2']);
  });
  expect(namesOf(await consumer.take(9, soon()))).toEqual(['1']);
});
