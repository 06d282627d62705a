import { describe, expect, test } from 'vitest';
import { countMatched, countParked } from '../../src/adapters/postgres/count-parked.ts';
import { postgresJobSteps } from '../../src/adapters/postgres/parked-job-steps.ts';
import { postgresParkedQueries } from '../../src/adapters/postgres/parked-queries.ts';
import type { ParkedFilter } from '../../src/core/parked/parked-item.ts';
import type { JobStep } from '../../src/core/parked/parked-job.ts';
import type { Database } from '../../src/lib/sql.ts';
import { countRowsRead, explain } from '../support/explain.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const rows = 4_000;
const limit = 50;
const newest = '9223372036854775807';

/**
 * Nearly all items are parked, of one reason from one origin; the oldest are the others. No statistics at
 * first.
 */
async function openFilled(open: () => Promise<Database>): Promise<Database> {
  const database = await open();
  await database.query('ALTER TABLE parked SET (autovacuum_enabled = off)');
  await database.query(
    `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original, state, resolved_at)
     SELECT CASE WHEN n BETWEEN 11 AND 20 THEN 'PAYMENT' ELSE 'STREAM' END,
       CASE WHEN n <= 10 THEN 'USER_ID_INVALID' WHEN n <= 20 THEN 'INTERNAL' ELSE 'PRODUCT_NOT_FOUND' END,
       'a test', 'SECKILL', 'stream:seckill:' || CASE WHEN n <= 40 THEN 9 ELSE n % 2 END, n || '-0', repeat('x', 500)::bytea,
       CASE WHEN n BETWEEN 21 AND 30 THEN 'REPLAYED' ELSE 'PARKED' END, CASE WHEN n BETWEEN 21 AND 30 THEN now() END
     FROM generate_series(1, ${rows}) AS n`,
  );
  return database;
}

const filters: Record<string, ParkedFilter> = {
  'no filter': {},
  'the reason of nearly all items': { reason: 'PRODUCT_NOT_FOUND' },
  'a reason of old items': { reason: 'USER_ID_INVALID' },
  'a reason without items': { reason: 'QUEUE_FULL' },
  'the origin of nearly all items': { origin: 'STREAM' },
  'an origin of old items': { origin: 'PAYMENT' },
  'an origin without items': { origin: 'DEAD_LETTER' },
  'a reason from another origin': { reason: 'PRODUCT_NOT_FOUND', origin: 'PAYMENT' },
  'the id of an entry': { sourceId: '5-0' },
  'an id that is unknown': { sourceId: 'none' },
  'a source': { source: 'SECKILL' },
  'a scope': { scope: 'stream:seckill:1' },
  'a scope of old items': { scope: 'stream:seckill:9' },
  'a scope without items': { scope: 'stream:seckill:404' },
  'a source and an origin': { source: 'SECKILL', origin: 'STREAM' },
};
const withState: Record<string, ParkedFilter> = {
  ...filters,
  'a state of old items': { state: 'REPLAYED' },
  'a state without items': { state: 'DISCARDED' },
  'every state': { state: 'ALL' },
  'a reason of old items in every state': { state: 'ALL', reason: 'USER_ID_INVALID' },
};

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.entries(databases))('the plans of parked items on %s', (_, open) => {
  test('every list of parked items reads little more than its page of them', async () => {
    const database = await openFilled(open);
    for (const statistics of ['without', 'with']) {
      if (statistics === 'with') await database.query('ANALYZE parked');
      for (const [name, filter] of Object.entries(withState)) {
        for (const before of [undefined, `${rows / 2}`]) {
          const plan = await explain(database, 'parked', (on) =>
            postgresParkedQueries(on).listParked(filter, limit, before),
          );
          expect(countRowsRead(plan), `${name}, ${statistics} statistics:\n${plan}`).toBeLessThanOrEqual(160);
        }
      }
    }
  });

  test('every step of a job reads little more than its items', async () => {
    const database = await openFilled(open);
    const step: JobStep = {
      ...{ jobId: '1', epoch: '1', action: 'replay', note: undefined, afterItem: '0', lastItem: newest },
      ...{ actor: { name: 'a test', keyId: undefined, via: 'cli', requestId: undefined }, isCounted: true },
      ...{ filter: {}, createdAt: new Date(Date.now() + 60_000) },
    };
    for (const statistics of ['without', 'with']) {
      if (statistics === 'with') await database.query('ANALYZE parked');
      for (const [name, filter] of Object.entries(filters)) {
        for (const afterItem of ['0', `${rows / 2}`]) {
          const plan = await explain(database, 'parked', (on) =>
            postgresJobSteps(on).findItems({ ...step, filter, afterItem }, limit),
          );
          expect(countRowsRead(plan), `${name}, ${statistics} statistics:\n${plan}`).toBeLessThanOrEqual(160);
        }
      }
    }
  });

  test('parked items are counted from their index alone, by any filter', async () => {
    const database = await openFilled(open);
    for (const statistics of ['without', 'with']) {
      if (statistics === 'with') await database.query('ANALYZE parked');
      for (const [name, filter] of Object.entries(withState)) {
        const plans = [
          await explain(database, 'parked', (on) => countParked(on, filter)),
          await explain(database, 'parked', (on) => countMatched(on, filter, 10_000)),
        ];
        for (const scan of plans.join('\n').match(/\S.* on parked\b.*/g) ?? ['none']) {
          expect(scan, `${name}, ${statistics} statistics`).toMatch(
            /Index Only Scan using parked_(groups|scope)|Index (Only )?Scan using parked_source_id/,
          );
        }
      }
    }
  });
});
