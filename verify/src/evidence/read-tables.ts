import type { Shop } from '../drive/shop.ts';
import type { ReadOnlyPostgres } from '../stores/postgres.ts';
import type { CompensationRow, Tables } from './evidence.ts';

/** What no route lists: compensations; and the rows once more, without Weir in between. */
export async function readTables(postgres: ReadOnlyPostgres, { plain, onSale }: Shop): Promise<Tables> {
  const products = [[plain.id, onSale.id]];
  return {
    rows: await postgres.query<Tables['rows'][number]>(
      `SELECT instance_id::text AS "instanceId", source, source_id AS "sourceId", scope, status
       FROM instance_logs WHERE product_id = ANY ($1::bigint[])`,
      products,
    ),
    compensations: await postgres.query<CompensationRow>(
      `SELECT kind, source, source_id AS "sourceId", status, outcome
       FROM compensations WHERE product_id = ANY ($1::bigint[])`,
      products,
    ),
  };
}
