import type { Sql } from '../../lib/sql.ts';
import type { AuditException, SumName } from '../../ops/audit/audit.ts';
import type { RowFinding } from '../../ops/audit/audit-finding.ts';

const maxExceptions = 20;

/**
 * Excludes rows whose instance may have been archived: then only the order and the compensation are left.
 */
const notArchived = (column: string) => `AND (NOT EXISTS (SELECT 1 FROM audit_archived)
  OR ${column} >= (SELECT min(created_at) FROM instance_logs))`;

interface Search {
  sql: string;
  code: RowFinding;
}

/** Each search scans whole tables, so it runs only when there is a difference. */
const searches: Partial<Record<SumName, Search[]>> = {
  orders: [
    {
      sql: `SELECT id FROM orders WHERE paid_at IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM instance_logs WHERE source = 'ORDER' AND source_id = orders.id AND scope = '')
        AND NOT EXISTS (SELECT 1 FROM compensations WHERE source = 'ORDER' AND source_id = orders.id AND scope = '')
        ${notArchived('paid_at')}`,
      code: 'ORDER_WITHOUT_INSTANCE',
    },
    {
      sql: `SELECT orders.id FROM orders JOIN instance_logs ON source = 'ORDER' AND source_id = orders.id AND scope = ''
        WHERE paid_at IS NULL`,
      code: 'ORDER_NOT_PAID',
    },
  ],
  refunds: [
    {
      sql: `SELECT instance_id::text AS id FROM instance_logs WHERE source = 'ORDER' AND status = 'FAILED'
        AND NOT EXISTS (SELECT 1 FROM compensations WHERE compensations.instance_id = instance_logs.instance_id)`,
      code: 'REFUND_MISSING',
    },
    {
      sql: `SELECT source_id AS id FROM compensations WHERE kind = 'REFUND' AND instance_id IS NOT NULL AND NOT EXISTS (
          SELECT 1 FROM instance_logs WHERE instance_logs.instance_id = compensations.instance_id AND status = 'FAILED')
        ${notArchived('compensations.created_at')}`,
      code: 'REFUND_UNFOUNDED',
    },
  ],
  restocked: [
    {
      sql: `SELECT instance_id::text AS id FROM instance_logs WHERE source = 'SECKILL' AND status = 'FAILED'
        AND NOT EXISTS (SELECT 1 FROM compensations WHERE compensations.instance_id = instance_logs.instance_id)`,
      code: 'RESTOCK_MISSING',
    },
  ],
  'nothing owed': [
    {
      sql: `SELECT instance_id::text AS id FROM instance_logs WHERE source NOT IN ('ORDER', 'SECKILL')
        AND status = 'FAILED'
        AND NOT EXISTS (SELECT 1 FROM compensations WHERE compensations.instance_id = instance_logs.instance_id)`,
      code: 'COMPENSATION_MISSING',
    },
  ],
  unsettled: [
    {
      sql: `SELECT overdue.instance_id::text AS id FROM overdue JOIN instance_logs USING (instance_id)
        WHERE due_at < now() - interval '10 minutes' AND status = 'PROCESSING'`,
      code: 'RESULT_MISSING',
    },
  ],
};

const withoutSearch: Partial<Record<SumName, AuditException>> = {
  events: {
    id: 'instance_logs',
    code: 'ROWS_CHANGED',
    params: {},
  },
};

export async function findExceptions(sql: Sql, name: SumName): Promise<AuditException[]> {
  const found: AuditException[] = [];
  for (const search of searches[name] ?? []) {
    const rows = await sql.query<{ id: string }>(`${search.sql} LIMIT ${maxExceptions}`);
    found.push(...rows.map(({ id }) => ({ id, code: search.code, params: {} })));
  }
  const general = withoutSearch[name];
  return general ? [...found, general] : found;
}
