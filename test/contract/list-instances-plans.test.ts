import { describe, expect, test } from 'vitest';
import { countBySource } from '../../src/adapters/postgres/instance-stats.ts';
import { type InstanceFilter, listInstances } from '../../src/adapters/postgres/list-instances.ts';
import { summarizePages } from '../../src/adapters/postgres/summarize-pages.ts';
import type { Database, Sql, Statement } from '../../src/lib/sql.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

/** A planner hint in a statement, and the statement without it; undefined: the statement is left out. */
type Change = (text: string) => string | undefined;

const leaveOut =
  (pattern: RegExp): Change =>
  (text) =>
    pattern.test(text) ? undefined : text;

const hints = {
  'enable_seqscan = off': leaveOut(/enable_seqscan/),
  'enable_indexscan = off': leaveOut(/enable_indexscan/),
  'enable_bitmapscan = off': leaveOut(/enable_(bitmapscan|sort)/),
  'max_parallel_workers_per_gather = 0': leaveOut(/max_parallel_workers/),
  'id + 0': (text) => text.replaceAll('(instance_logs.id + 0)', 'instance_logs.id'),
  "source || ''": (text) => text.replaceAll("source || ''", 'source'),
  "created_at + interval '0'": (text) => text.replaceAll("created_at + interval '0'", 'created_at'),
} satisfies Record<string, Change>;

/** Runs `read` and returns the plans of its statements that read instance_logs in a transaction. */
async function explain(
  database: Database,
  read: (database: Database) => Promise<unknown>,
  { change = (text) => text, settings }: { change?: Change; settings: string },
): Promise<string> {
  const plans: string[] = [];
  const explaining = (sql: Sql): Sql => ({
    async query<Row>(statement: Statement | string, values?: readonly unknown[]) {
      const text = change(typeof statement === 'string' ? statement : statement.text);
      if (text === undefined) return [];
      if (/\bFROM instance_logs\b/.test(text)) {
        const lines = await sql.query<Record<'QUERY PLAN', string>>(`EXPLAIN ${text}`, values);
        plans.push(lines.map((line) => line['QUERY PLAN']).join('\n'));
      }
      return sql.query<Row>(text, values);
    },
    runScript: (script) => sql.runScript(script),
  });
  await read(
    Object.assign(Object.create(database), {
      query: database.query.bind(database),
      transaction: (work: (sql: Sql) => Promise<unknown>) =>
        database.transaction(async (sql) => {
          await sql.runScript(settings);
          return work(explaining(sql));
        }),
    }),
  );
  return plans.join('\n');
}

type Read = (database: Database) => Promise<unknown>;
const list =
  (filter: InstanceFilter): Read =>
  (database) =>
    listInstances(database, filter, 3, undefined);

/** Only the oldest fifth of the rows bought product 9. The planner has no statistics until `analyze`. */
async function openFilled(open: () => Promise<Database>): Promise<Database> {
  const database = await open();
  await database.query('ALTER TABLE instance_logs SET (autovacuum_enabled = off)');
  await database.query(
    `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, status, created_at)
     SELECT CASE WHEN n <= 20000 THEN 9 ELSE 1000 + n % 100 END, 1 + n % 30000, n,
       CASE n % 4 WHEN 0 THEN 'ORDER' ELSE 'GIFT' END, 'S' || n, 'SUCCESS',
       now() - (100000 - n) * interval '1 second' FROM generate_series(1, 100000) AS n`,
  );
  await summarizePages(database);
  return database;
}

const byBlockRanges = 'Bitmap Index Scan on instance_logs_bought';
const downById = 'Index Scan Backward using instance_logs_pkey';
const aboveId = 'Bitmap Index Scan on instance_logs_pkey';
const from = new Date(Date.now() - 90_000_000);

interface Guard {
  hint: keyof typeof hints;
  read: Read;
  wanted: string;
  /** What the planner would use instead. */
  else: string;
  /** With fresh statistics; without any when missing. */
  isAnalyzed?: boolean;
  /** Settings that simulate a table ten times as large. */
  settings?: string;
}

const guards: Record<string, Guard> = {
  'a user who bought nothing is not searched in all rows': {
    hint: 'enable_seqscan = off',
    read: list({ userId: '99999999' }),
    wanted: byBlockRanges,
    else: 'Seq Scan on instance_logs',
  },
  'a user who bought nothing is not searched in all ids': {
    hint: 'id + 0',
    read: list({ userId: '99999999' }),
    wanted: byBlockRanges,
    else: aboveId,
  },
  'a user is not searched in all rows of a source': {
    hint: "source || ''",
    read: list({ userId: '99999999', source: 'ORDER' }),
    wanted: byBlockRanges,
    else: 'Bitmap Index Scan on instance_logs_source_source_id_scope_key',
  },
  'a product is not searched in all rows since a time': {
    hint: "created_at + interval '0'",
    read: list({ productId: '7', from }),
    wanted: byBlockRanges,
    else: 'Bitmap Index Scan on instance_logs_created_at',
  },
  'a product that was sold long ago is not searched from the youngest row down': {
    hint: 'enable_indexscan = off',
    read: list({ productId: '9' }),
    wanted: byBlockRanges,
    else: downById,
    isAnalyzed: true,
  },
  'a source is read down by the id, not sorted': {
    hint: 'enable_bitmapscan = off',
    read: list({ source: 'NONE' }),
    wanted: downById,
    else: aboveId,
  },
  'a search starts no parallel workers': {
    hint: 'max_parallel_workers_per_gather = 0',
    read: list({ userId: '99999999' }),
    wanted: byBlockRanges,
    else: 'Gather',
    settings: 'SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0',
  },
  'sums read only the rows above the checkpoint': {
    hint: 'enable_seqscan = off',
    read: countBySource,
    wanted: aboveId,
    else: 'Seq Scan on instance_logs',
  },
};

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };

describe.each(Object.entries(databases))('the plans of lists and sums on %s', (name, open) => {
  test('a list takes the wanted index, and another way without its planner hint', async () => {
    const database = await openFilled(open);
    // PGlite is one process, so it has no workers.
    const here = Object.entries(guards).filter(([, guard]) => name !== 'PGlite' || guard.else !== 'Gather');
    const inOrder = here.sort(
      ([, a], [, b]) => Number(a.isAnalyzed ?? false) - Number(b.isAnalyzed ?? false),
    );
    for (const [rule, guard] of inOrder) {
      if (guard.isAnalyzed) await database.query('ANALYZE instance_logs');
      const options = { settings: guard.settings ?? '' };
      const plan = await explain(database, guard.read, options);
      expect(plan, rule).toContain(guard.wanted);
      expect(plan, rule).not.toContain(guard.else);
      const without = await explain(database, guard.read, { ...options, change: hints[guard.hint] });
      expect(without, `${guard.hint} changes no plan any more: ${rule}`).toContain(guard.else);
    }
  });
});

test('every planner hint of the lists has a plan that it changes', () => {
  const guarded = Object.values(guards).map(({ hint }) => hint);
  expect(Object.keys(hints).filter((hint) => !guarded.includes(hint as keyof typeof hints))).toEqual([]);
});
