import { streamOf } from '../drive/shop.ts';
import type { CompensationRow, Evidence, Tables } from '../evidence/evidence.ts';
import type { Violation } from './violation.ts';

/** The table holds what the API lists, and every failed instance what it is owed. */
export function checkTables(evidence: Evidence): Violation[] {
  const { tables } = evidence;
  if (!tables) return [];
  return [...compareRows(evidence, tables), ...checkCompensations(evidence, tables)];
}

function compareRows({ rows }: Evidence, tables: Tables): Violation[] {
  const listed = new Set(rows.map(({ instanceId }) => instanceId));
  const stored = new Set(tables.rows.map(({ instanceId }) => instanceId));
  const only = (of: ReadonlySet<string>, other: ReadonlySet<string>, detail: string): Violation[] =>
    [...of]
      .filter((id) => !other.has(id))
      .map((id) => ({ kind: 'unbalanced', subject: `instance ${id}`, detail }));
  return [
    ...only(listed, stored, 'listed by the API, and not in instance_logs'),
    ...only(stored, listed, 'in instance_logs, and not listed by the API'),
  ];
}

const owed: Readonly<Record<string, { kind: string; missing: Violation['kind'] }>> = {
  SECKILL: { kind: 'RESTOCK', missing: 'missing restock' },
  ORDER: { kind: 'REFUND', missing: 'missing refund' },
};

function checkCompensations({ rows, shop, messages }: Evidence, tables: Tables): Violation[] {
  const recorded = new Map<string, CompensationRow>();
  for (const each of tables.compensations) recorded.set(`${each.kind} ${each.sourceId}`, each);
  return rows.flatMap(({ source, sourceId, scope, status, instanceId }): Violation[] => {
    const owes = owed[source];
    if (status !== 'FAILED' || !owes) return [];
    const subject = `instance ${instanceId}`;
    const compensation = recorded.get(`${owes.kind} ${sourceId}`);
    if (!compensation) {
      return [{ kind: owes.missing, subject, detail: `failed, and there is no ${owes.kind} for it` }];
    }
    // Another payment service reports refunds in its own time.
    if (compensation.status !== 'DONE') {
      const isOurs = owes.kind === 'RESTOCK' || messages !== undefined;
      return isOurs ? [{ kind: 'stuck', subject, detail: `its ${owes.kind} is still requested` }] : [];
    }
    const isOfSale = owes.kind === 'RESTOCK' && scope === streamOf(shop.onSale);
    if (!isOfSale || compensation.outcome === 'RESTOCKED') return [];
    return [{ kind: 'missing restock', subject, detail: `its unit ended as ${compensation.outcome}` }];
  });
}
