import type { Sql } from '../../lib/sql.ts';
import type { AuditException, SumName } from '../../ops/audit/audit.ts';

const most = 20;

/** Not when the instance may have been archived: then its order and its compensation are all that is left. */
const notArchived = (column: string) => `AND (NOT EXISTS (SELECT 1 FROM audit_archived)
  OR ${column} >= (SELECT min(created_at) FROM instance_logs))`;

interface Search {
  sql: string;
  what: string;
  advice: string;
}

/** Each looks through whole tables, which only a difference justifies. */
const searches: Partial<Record<SumName, Search[]>> = {
  orders: [
    {
      sql: `SELECT id FROM orders WHERE paid_at IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM instance_logs WHERE source = 'ORDER' AND source_id = orders.id AND scope = '')
        AND NOT EXISTS (SELECT 1 FROM compensations WHERE source = 'ORDER' AND source_id = orders.id AND scope = '')
        ${notArchived('paid_at')}`,
      what: 'the order is paid and has neither an instance nor a refund',
      advice: 'send its payment callback again, or `weir orders paid`; was its row removed by hand?',
    },
    {
      sql: `SELECT orders.id FROM orders JOIN instance_logs ON source = 'ORDER' AND source_id = orders.id AND scope = ''
        WHERE paid_at IS NULL`,
      what: 'the order has an instance and was never paid',
      advice: 'was the order or the instance changed by hand?',
    },
  ],
  refunds: [
    {
      sql: `SELECT instance_id::text AS id FROM instance_logs WHERE source = 'ORDER' AND status = 'FAILED'
        AND NOT EXISTS (SELECT 1 FROM compensations WHERE compensations.instance_id = instance_logs.instance_id)`,
      what: 'the instance of an order has failed and no refund was asked for',
      advice: 'was its status changed by hand? Refund the order',
    },
    {
      sql: `SELECT source_id AS id FROM compensations WHERE kind = 'REFUND' AND instance_id IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM instance_logs WHERE instance_logs.instance_id = compensations.instance_id AND status = 'FAILED')
        ${notArchived('compensations.created_at')}`,
      what: 'a refund was asked for although the instance has not failed',
      advice: 'stop the refund, or release the machine',
    },
  ],
  restocked: [
    {
      sql: `SELECT instance_id::text AS id FROM instance_logs WHERE source = 'SECKILL' AND status = 'FAILED'
        AND NOT EXISTS (SELECT 1 FROM compensations WHERE compensations.instance_id = instance_logs.instance_id)`,
      what: 'the instance of a sale has failed and its unit was not restocked',
      advice: 'was its status changed by hand? Add a unit to the sale',
    },
  ],
  'nothing owed': [
    {
      sql: `SELECT instance_id::text AS id FROM instance_logs WHERE source NOT IN ('ORDER', 'SECKILL')
        AND status = 'FAILED'
        AND NOT EXISTS (SELECT 1 FROM compensations WHERE compensations.instance_id = instance_logs.instance_id)`,
      what: 'the instance has failed and nothing says what its buyer is owed',
      advice: 'was its status changed by hand?',
    },
  ],
  unsettled: [
    {
      sql: `SELECT overdue.instance_id::text AS id FROM overdue JOIN instance_logs USING (instance_id)
        WHERE due_at < now() - interval '10 minutes' AND status = 'PROCESSING'`,
      what: 'the instance waits for a result, and no rescuer has handled it for ten minutes',
      advice: 'does a process with the role settle run, and does it read the result queue? See /readyz',
    },
  ],
};

const withoutSearch: Partial<Record<SumName, AuditException>> = {
  events: {
    id: 'instance_logs',
    what: 'another program wrote or removed rows, or deleted batches',
    advice: 'weir audit --full counts again; publish missing ones with weir instances retry',
  },
};

export async function findExceptions(sql: Sql, name: SumName): Promise<AuditException[]> {
  const found: AuditException[] = [];
  for (const search of searches[name] ?? []) {
    const rows = await sql.query<{ id: string }>(`${search.sql} LIMIT ${most}`);
    found.push(...rows.map(({ id }) => ({ id, what: search.what, advice: search.advice })));
  }
  const general = withoutSearch[name];
  return general ? [...found, general] : found;
}
