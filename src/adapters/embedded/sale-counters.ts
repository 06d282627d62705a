import type { HeldUnit, SaleCounters, UnitAnswer } from '../../core/compensation/restock.ts';
import { type Database, textArray } from '../../lib/sql.ts';

/** The counters of sales as tables; one statement per batch, where Redis runs a script. */
export function embeddedSaleCounters(database: Database): SaleCounters {
  return {
    async restock(units) {
      try {
        return await restockAll(database, units);
      } catch (error) {
        if (!isAboutRows(error)) throw error;
        // One row that the schema rejects fails the whole statement: each unit is tried alone.
        const answers: UnitAnswer[] = [];
        for (const unit of units) answers.push(await restockOne(database, unit));
        return answers;
      }
    },
  };
}

async function restockOne(database: Database, unit: HeldUnit): Promise<UnitAnswer> {
  try {
    const [answer] = await restockAll(database, [unit]);
    return answer ?? 'NO_SALE';
  } catch (error) {
    if (!isAboutRows(error)) throw error;
    return { failed: (error as Error).message };
  }
}

/** Data exceptions and violated constraints, by SQLSTATE class. */
function isAboutRows(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^2[23]/.test(String(error.code));
}

async function restockAll(database: Database, units: readonly HeldUnit[]): Promise<UnitAnswer[]> {
  const streams = textArray(units.map(({ stream }) => stream));
  const entries = textArray(units.map(({ entryId }) => entryId));
  await database.query(
    `WITH returned AS (
           UPDATE embedded_sale_units SET restocked = TRUE
           FROM unnest($1::text[], $2::text[]) AS owed (stream, entry_id)
           WHERE embedded_sale_units.stream = owed.stream AND embedded_sale_units.entry_id = owed.entry_id
             AND NOT restocked
           RETURNING embedded_sale_units.stream, user_id, number
         ), current AS (
           SELECT returned.stream, user_id, returned.number = embedded_sales.number AS is_current
           FROM returned JOIN embedded_sales USING (stream)
         ), counted AS (
           UPDATE embedded_sales SET sold = sold - units, restocked = restocked + units,
             returned = embedded_sales.returned + all_units
           FROM (SELECT stream, count(*) FILTER (WHERE is_current) AS units, count(*) AS all_units
             FROM current GROUP BY stream) AS each
           WHERE embedded_sales.stream = each.stream
         )
         UPDATE embedded_sale_buyers SET bought = bought - units
         FROM (SELECT stream, user_id, count(*) AS units FROM current WHERE is_current GROUP BY stream, user_id) AS each
         WHERE embedded_sale_buyers.stream = each.stream AND embedded_sale_buyers.user_id = each.user_id`,
    [streams, entries],
  );
  const sold = await database.query<{ found: boolean }>(
    `SELECT embedded_sale_units.entry_id IS NOT NULL AS found
         FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS owed (stream, entry_id, ordinal)
         LEFT JOIN embedded_sale_units USING (stream, entry_id) ORDER BY owed.ordinal`,
    [streams, entries],
  );
  return sold.map(({ found }) => (found ? 'RESTOCKED' : 'NO_SALE'));
}
