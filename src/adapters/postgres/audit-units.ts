import { type Sql, textArray } from '../../lib/sql.ts';
import type { AuditException } from '../../ops/audit/audit.ts';
import type { SaleFigure, StreamFigure, UnitFigure } from '../../ops/audit/audit-figures.ts';
import type { TooManyInstances } from '../../ops/audit/audit-finding.ts';
import type { StreamReadings } from '../../ops/audit/stream-reading.ts';
import { readParkedUnits } from './sale-units.ts';

interface UnitRow {
  stream: string;
  instances: number;
  active: number;
  stock: string;
  lost: string;
  lost_at: Date | null;
}

/**
 * Sales that are open, planned or ended less than a day ago. Sales of the embedded store are rows of the
 * database itself.
 */
export async function figureUnits(
  sql: Sql,
  sales: readonly SaleFigure[],
  streams: readonly StreamFigure[],
): Promise<UnitFigure[]> {
  const figures: UnitFigure[] = [];
  for (const { stream, number, nth } of sales) {
    if (number === undefined || nth === undefined) continue;
    const [row] = await sql.query<UnitRow>(countUnits, [number, nth]);
    if (!row) continue;
    const parked = (await readParkedUnits(sql, stream)).filter(
      (unit) => unit.saleId === number && unit.nth <= nth,
    );
    figures.push({
      ...{ stream, sold: nth, instances: row.instances, parked: parked.length },
      waiting: streams.find((figure) => figure.stream === stream)?.waiting ?? 0,
      ...{ lost: Number(row.lost), lostAt: row.lost_at ?? undefined },
      tooMany: await findTooMany(sql, number, row),
    });
  }
  return figures;
}

const countUnits = {
  name: 'weir-audit-units',
  text: `
SELECT stream, stock::text, lost::text, lost_at,
  (SELECT count(*)::int FROM sale_units WHERE sale_id = sales.id AND nth <= $2) AS instances,
  (SELECT count(*)::int FROM sale_units WHERE sale_id = sales.id) - (
    SELECT count(*)::int FROM compensations JOIN sale_units ON sale_id = sales.id
      AND sale_units.source_id = compensations.source_id
    WHERE kind = 'RESTOCK' AND compensations.scope = sales.stream) AS active
FROM sales WHERE id = $1 AND coalesce(ended_at, ends_at, 'infinity') > now() - interval '1 day'`,
};

/** The unique keys of sale_units prevent both cases, except for rows that were written by hand. */
async function findTooMany(
  sql: Sql,
  saleId: number,
  { active, stock }: UnitRow,
): Promise<TooManyInstances[]> {
  const found: TooManyInstances[] =
    active > Number(stock)
      ? [{ code: 'INSTANCES_OVER_STOCK', params: { instances: String(active), stock } }]
      : [];
  const users = await sql.query<{ user_id: string; units: number; most: number }>(
    `SELECT units.user_id::text, count(*)::int AS units, max(per_user_limit) AS most FROM sale_units AS units
     JOIN sales ON sales.id = sale_id
     WHERE sale_id = $1 AND units.user_id IN (
         SELECT user_id FROM sale_units WHERE sale_id = $1 AND user_nth > (SELECT per_user_limit FROM sales WHERE id = $1))
       AND NOT EXISTS (SELECT 1 FROM compensations WHERE compensations.source = 'SECKILL'
         AND compensations.scope = sales.stream AND compensations.source_id = units.source_id)
     GROUP BY 1 HAVING count(*) > max(per_user_limit) LIMIT 20`,
    [saleId],
  );
  return [
    ...found,
    ...users.map(({ user_id: userId, units, most }): TooManyInstances => {
      const params = { userId, instances: String(units), limit: String(most) };
      return { code: 'INSTANCES_OVER_LIMIT', params };
    }),
  ];
}

const maxNamed = 20;

/** Names the buyers whose entries are neither instances nor parked. */
export async function nameLostUnits(
  sql: Sql,
  readings: StreamReadings,
  sales: readonly SaleFigure[],
  units: readonly UnitFigure[],
): Promise<AuditException[]> {
  const named: AuditException[] = [];
  for (const { stream, sold, instances, parked, waiting } of units) {
    const number = sales.find((sale) => sale.stream === stream)?.number;
    if (number === undefined || !readings.listUnits || instances + parked + waiting >= sold) continue;
    for await (const page of readings.listUnits(stream, number)) {
      const missing = await sql.query<{ entry_id: string; user_id: string }>(
        `SELECT entry_id, user_id FROM unnest($2::text[], $3::text[]) AS sold (entry_id, user_id)
         WHERE NOT EXISTS (SELECT 1 FROM instance_logs WHERE source = 'SECKILL' AND scope = $1 AND source_id = entry_id)
           AND NOT EXISTS (SELECT 1 FROM parked WHERE origin = 'STREAM' AND scope = $1 AND source_id = entry_id)`,
        [stream, textArray(page.map(({ entryId }) => entryId)), textArray(page.map(({ userId }) => userId))],
      );
      for (const { entry_id: entryId, user_id: userId } of missing) {
        named.push({ id: stream, code: 'ENTRY_LOST', params: { entryId, userId } });
        if (named.length === maxNamed) return named;
      }
    }
  }
  return named;
}
