import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { keepPlans, mostRowsOfKeptPlan } from '../../src/adapters/postgres/kept-plans.ts';
import { postgresOutbox } from '../../src/adapters/postgres/outbox.ts';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import type { InstanceId, SaleUnit } from '../../src/core/instance/purchase.ts';
import type { Database, Statement } from '../../src/lib/sql.ts';
import {
  createAll,
  createCreation,
  createPaidOrder,
  createProduct,
  createPurchase,
  failure,
  success,
} from '../support/parts.ts';
import { createPostgresDatabase } from '../support/stores.ts';

async function openWithOneSession(): Promise<Database> {
  const url = await createPostgresDatabase();
  const database = openPostgresServer({ url, maxConnections: 1, onConnectionError() {} });
  onTestFinished(() => database.close());
  return database;
}

/** Runs everything that keeps its plans. @returns the texts of the statements, by what they are for */
async function collectStatements(real: Database): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const note = (statement: Statement | string) => {
    const { name, text } = typeof statement === 'string' ? { name: undefined, text: statement } : statement;
    texts.set(name ?? text, text);
  };
  const database: Database = {
    ...real,
    query(statement, values) {
      if (typeof statement !== 'string' && statement.keepsPlan) note(statement);
      return real.query(statement, values);
    },
    transaction: (work, options) =>
      real.transaction((sql) => {
        if (!options?.keepsPlans) return work(sql);
        const query: typeof sql.query = (statement, values) => {
          note(statement);
          return sql.query(statement, values);
        };
        return work({ ...sql, query });
      }, options),
  };
  await createProduct(database);
  await real.query(
    `INSERT INTO sales (product_id, stream, opened_stock, stock, per_user_limit, entry, secret)
     VALUES (1001, 'stream:seckill:1001', 10, 10, 1, 'open', '')`,
  );
  const unit: SaleUnit = {
    saleId: 1n,
    nth: 1n,
    userNth: 1,
    ticketUnit: undefined,
    idempotencyKey: undefined,
  };
  const purchase = createPurchase({});
  const { createInstances } = createCreation(database);
  const [one, other] = (await createAll(database, [purchase, createPurchase({})])) as [
    InstanceId,
    InstanceId,
  ];
  await createInstances([purchase, createPurchase({})]); // A repeat.
  await createInstances([await createPaidOrder(database, 'ORD1')]);
  await createInstances([{ ...(await createPaidOrder(database, 'ORD2')), payment: { paymentId: 'P1' } }]);
  await createInstances([{ ...createPurchase({ source: 'SECKILL' }), unit }]);
  await settleResults(database, [success(one), failure(other)]);
  await postgresOutbox(database, { claimTimeoutMs: 5_000 }).claim(64, async (batches) =>
    batches.map((batch) => ({ batch, kind: 'published' })),
  );
  return texts;
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  Plans?: PlanNode[];
}

function walk(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(walk)];
}

/** The plan for values that are not known, as the session keeps it. */
async function explain(client: pg.Client, name: string, text: string): Promise<PlanNode[]> {
  const parameters = new Set([...text.matchAll(/\$(\d+)/g)].map(([, nth]) => nth)).size;
  await client.query(`PREPARE ${name} AS ${text}`);
  const values = parameters === 0 ? '' : `(${Array(parameters).fill('NULL').join(', ')})`;
  const { rows } = await client.query<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(
    `EXPLAIN (FORMAT JSON) EXECUTE ${name}${values}`,
  );
  return rows.flatMap((row) => row['QUERY PLAN']).flatMap(({ Plan }) => walk(Plan));
}

const readsWholeTables = ['Seq Scan', 'Hash Join', 'Merge Join'];

describe('statements that keep their plans', () => {
  test('a plan kept from an empty database reads every table by a unique key', async () => {
    const statements = await collectStatements(await openWithOneSession());
    expect(statements.size).toBeGreaterThanOrEqual(8);
    const client = new pg.Client(await createPostgresDatabase());
    onTestFinished(() => client.end());
    await client.connect();
    const { rows } = await client.query<{ name: string }>(
      'SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indisunique',
    );
    const uniqueKeys = rows.map(({ name }) => name);
    await client.query(keepPlans);
    const read = new Set<string>();
    let nth = 0;
    for (const [name, text] of statements) {
      for (const node of await explain(client, `statement${++nth}`, text)) {
        expect(readsWholeTables, name).not.toContain(node['Node Type']);
        const index = node['Index Name'];
        if (index === undefined) continue;
        read.add(index);
        expect(uniqueKeys, name).toContain(index);
        // The oldest batches, up to a limit.
        if (name !== 'weir-outbox-claim') expect(node, name).toHaveProperty('Index Cond');
      }
    }
    expect([...read].sort()).toEqual([
      'archived_purchases_pkey',
      'instance_logs_instance_id_key',
      'orders_pkey',
      'outbox_pkey',
      'payments_pkey',
      'products_pkey',
    ]);
  });

  test('small batches keep their plan; larger ones are planned with their values', async () => {
    const database = await openWithOneSession();
    await createProduct(database);
    const purchases = (count: number) => Array.from({ length: count }, () => createPurchase({}));
    const countPlans = async () => {
      const [row] = await database.query<{ kept: number; made: number }>(
        `SELECT generic_plans::int AS kept, custom_plans::int AS made FROM pg_prepared_statements
         WHERE name = 'weir-insert'`,
      );
      return row;
    };
    await createAll(database, purchases(1));
    await createAll(database, purchases(mostRowsOfKeptPlan));
    expect(await countPlans()).toEqual({ kept: 2, made: 0 });
    await createAll(database, purchases(mostRowsOfKeptPlan + 1));
    expect(await countPlans()).toEqual({ kept: 2, made: 1 });
  });

  test('what follows in the session is planned as before, also after a failure', async () => {
    const database = await openWithOneSession();
    await createProduct(database);
    const readSettings = () =>
      database.query(
        `SELECT name, setting FROM pg_settings WHERE name IN ('plan_cache_mode', 'enable_seqscan',
         'enable_hashjoin', 'enable_mergejoin') ORDER BY name`,
      );
    const before = await readSettings();
    await createAll(database, [createPurchase({})]);
    expect(await readSettings()).toEqual(before);
    const claiming = postgresOutbox(database, { claimTimeoutMs: 5_000 }).claim(64, async () => {
      throw new Error('the broker is gone');
    });
    await expect(claiming).rejects.toThrow('the broker is gone');
    expect(await readSettings()).toEqual(before);
    expect(before).toContainEqual({ name: 'plan_cache_mode', setting: 'force_custom_plan' });
  });
});
