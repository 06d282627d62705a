import { randomUUID } from 'node:crypto';
import type { Alternative } from './alternative.ts';
import { insertRows, inTransaction, type Purchase, rowValues } from './world.ts';

const schema = 'public';
const table = 'outbox_messages';
const nextMessages = 'next_outbox_messages';

/**
 * Its README: the polling listener, since logical replication needs `wal_level = logical`; large batches, the shortest poll,
 * and without the protections against poisonous messages, which it recommends for the inbox only. The library stores one
 * message a statement: all of a batch in one commit.
 */
export const pgTransactionalOutbox: Alternative = {
  name: 'pg-transactional-outbox',
  package: 'pg-transactional-outbox',
  tuning: 'polling listener, poisonous message protection off, 500 messages a commit',
  concurrencies: [32, 100],
  read: () => ({ entries: 500, inFlight: 2 }),
  async start(world) {
    const library = await import('pg-transactional-outbox');
    const { DatabaseSetup, getDisabledLogger, initializeMessageStorage, initializePollingMessageListener } =
      library;
    const { database, concurrency } = world.order;
    const place = { outboxOrInbox: 'outbox', database: '', schema, table, listenerRole: '' } as const;
    await world.pool.query(DatabaseSetup.dropAndCreateTable(place));
    await world.pool.query(DatabaseSetup.createPollingFunction({ ...place, nextMessagesName: nextMessages }));
    await world.pool.query(DatabaseSetup.setupPollingIndexes({ ...place, nextMessagesName: nextMessages }));
    const config = {
      outboxOrInbox: 'outbox' as const,
      dbHandlerConfig: { connectionString: database, max: 16 },
      dbListenerConfig: { connectionString: database, max: 4 },
      settings: {
        dbSchema: schema,
        dbTable: table,
        nextMessagesFunctionName: nextMessages,
        nextMessagesBatchSize: concurrency,
        nextMessagesPollingIntervalInMs: 10,
        nextMessagesLockInMs: 5_000,
        enableMaxAttemptsProtection: false,
        enablePoisonousMessageProtection: false,
      },
    };
    const logger = getDisabledLogger();
    const store = initializeMessageStorage(config, logger);
    const handler = {
      handle: async ({ payload }: { payload: unknown }) => {
        await world.publish(world.encode(payload as Purchase));
        world.onDone(1);
      },
    };
    const [shutdown] = initializePollingMessageListener(config, handler, logger);
    return {
      accept: async (entries) => {
        const purchases = world.number(entries);
        await inTransaction(world.pool, async (client) => {
          await client.query({ name: 'rows', text: insertRows, values: rowValues(world.order, purchases) });
          const at = new Date().toISOString();
          await Promise.all(
            purchases.map((payload) =>
              store(
                {
                  ...{ id: randomUUID(), aggregateType: 'instance', aggregateId: payload.instanceId },
                  ...{ messageType: 'INSTANCE_CREATED', payload, createdAt: at, concurrency: 'parallel' },
                },
                client,
              ),
            ),
          );
        });
      },
      stop: () => shutdown(),
    };
  },
};
