import type { NotInserted } from '../../core/instance/create-instances.ts';
import type { Statement } from '../../lib/sql.ts';
import { isDiscarded, paymentInput, recordPayments } from './insert-payments.ts';

export interface InsertAnswer {
  created_at: Date;
  not_inserted: { instance_id: string; because: NotInserted['because'] }[];
}

interface InsertOptions {
  orders: boolean;
  /** Some purchases are units of a sale (table sale_units). */
  units: boolean;
  /** Some callbacks contain payment details (table payments). */
  payments: boolean;
  conflicts: boolean;
}

/**
 * Inserts the rows and the outbox batch in one statement. When every row is inserted, which is nearly
 * always the case, the batch is parameter $10 unchanged; otherwise it is assembled from the records of the
 * inserted rows, so a duplicate never publishes a second id.
 *
 * Without ON CONFLICT the insert costs a fifth less (docs/decisions/0004), so that is tried first, but for a
 * while after a repeat. A batch with a repeat fails with 23505 as a whole and is sent again with ON CONFLICT.
 */
function insertStatement({ orders, units, payments, conflicts }: InsertOptions): Statement {
  const kinds = [orders ? '-orders' : '', units ? '-units' : '', payments ? '-payments' : ''];
  const parts = [...kinds, conflicts ? '-known' : ''];
  return {
    name: `weir-insert${parts.join('')}`,
    text: `
WITH input AS (
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::int[],
                       $8::int[], $9::int[]${units ? ', $12::bigint[], $13::bigint[], $14::int[], $15::int[], $16::text[]' : ''})
    WITH ORDINALITY AS t (instance_id, product_id, user_id, source, source_id, scope, product_version,
                          record_start, record_length, ${units ? 'sale_id, nth, user_nth, ticket_unit, idempotency_key, ' : ''}ordinal)
), ${payments ? paymentInput(units ? '$17' : '$12') : ''} ${orders ? payOrders(payments) : ''} judged AS (
  SELECT input.*, CASE
      WHEN products.id IS NULL THEN 'product'
      ${orders ? "WHEN orders.id IS NOT NULL AND paid.id IS NULL THEN 'order'" : ''}
      ${payments ? `WHEN ${isDiscarded} THEN 'order'` : ''}
      ELSE 'key' END AS because
  FROM input
  LEFT JOIN products ON products.id = input.product_id AND products.version = input.product_version
    AND products.enabled
  ${orders ? joinOrders : ''}
), ${units ? takeUnits(conflicts) : ''} inserted AS (
  INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, scope, product_version, event_at)
  SELECT product_id, user_id, instance_id, source, source_id, scope, product_version, $11::timestamptz
  FROM judged ${units ? 'LEFT JOIN taken USING (sale_id, nth, source_id)' : ''}
  WHERE because = 'key' ${units ? 'AND (judged.sale_id IS NULL OR taken.nth IS NOT NULL)' : ''} ${conflicts ? notArchived : ''} ORDER BY ordinal
  ${conflicts ? 'ON CONFLICT (source, source_id, scope) DO NOTHING' : ''}
  RETURNING instance_id
), ${payments ? recordPayments : ''} queued AS (
  INSERT INTO outbox (events, batch)
  SELECT inserted_rows, CASE WHEN inserted_rows = input_rows THEN $10::bytea ELSE (
      SELECT string_agg(substring($10::bytea FROM record_start FOR record_length), ''::bytea ORDER BY ordinal)
      FROM input JOIN inserted USING (instance_id)) END
  FROM (SELECT (SELECT count(*) FROM inserted) AS inserted_rows, (SELECT count(*) FROM input) AS input_rows) AS counted
  WHERE inserted_rows > 0
)
SELECT now() AS created_at, coalesce(
  (SELECT json_agg(json_build_object('instance_id', instance_id::text, 'because', ${units ? unitOr('because') : 'because'}))
   FROM judged WHERE instance_id NOT IN (SELECT instance_id FROM inserted)), '[]') AS not_inserted`,
  };
}

// Not needed on the first attempt: a trigger rejects an archived purchase with 23505.
const notArchived = `AND (SELECT TRUE FROM archived_purchases WHERE archived_purchases.source = judged.source
    AND archived_purchases.source_id = judged.source_id AND archived_purchases.scope = judged.scope LIMIT 1) IS NULL`;

/** A unit that belongs to another entry is not taken; a repeat finds its own row afterwards. */
const takeUnits = (conflicts: boolean) => `taken AS (
  INSERT INTO sale_units (sale_id, nth, user_id, user_nth, source_id, ticket_unit, idempotency_key)
  SELECT sale_id, nth, user_id, user_nth, source_id, ticket_unit, nullif(idempotency_key, '') FROM judged
  WHERE because = 'key' AND sale_id IS NOT NULL ORDER BY ordinal
  ${conflicts ? 'ON CONFLICT DO NOTHING' : ''}
  RETURNING sale_id, nth, source_id
),`;

const unitOr = (
  because: string,
) => `CASE WHEN ${because} = 'key' AND sale_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM taken
     WHERE taken.sale_id = judged.sale_id AND taken.nth = judged.nth AND taken.source_id = judged.source_id)
   THEN 'unit' ELSE ${because} END`;

// A known order becomes PAID together with its instance or not at all. Orders are locked in order of id:
// two batches with the same orders wait for each other instead of deadlocking. An equality of products could
// read all orders of a product by its index.
const payOrders = (payments: boolean) => `lockable AS (
  SELECT orders.id FROM orders JOIN input ON input.source = 'ORDER' AND input.source_id = orders.id
    AND (input.product_id, input.user_id) IS NOT DISTINCT FROM (orders.product_id, orders.user_id)
  JOIN products ON products.id = input.product_id AND products.version = input.product_version AND products.enabled
  WHERE orders.status = 'PENDING' ${payments ? `AND NOT ${isDiscarded}` : ''} ORDER BY orders.id FOR UPDATE OF orders
), paid AS (
  UPDATE orders SET status = 'PAID', paid_at = now(), updated_at = now() FROM lockable
  WHERE orders.id = lockable.id AND orders.status = 'PENDING' RETURNING orders.id
),`;

const joinOrders = `LEFT JOIN orders ON input.source = 'ORDER' AND orders.id = input.source_id
  LEFT JOIN paid ON paid.id = orders.id AND orders.product_id = input.product_id AND orders.user_id = input.user_id`;

const both = [false, true];
const allStatements = both.flatMap((orders) =>
  both.flatMap((units) =>
    // Only orders have payment details.
    (orders ? both : [false]).map((payments) => ({
      kind: { orders, units, payments },
      allNew: insertStatement({ orders, units, payments, conflicts: false }),
      someKnown: insertStatement({ orders, units, payments, conflicts: true }),
    })),
  ),
);

/** All variants are built once, so that each is prepared once per connection. */
export function findInsertStatements(wanted: Omit<InsertOptions, 'conflicts'>) {
  const found = allStatements.find(
    ({ kind }) =>
      kind.orders === wanted.orders && kind.units === wanted.units && kind.payments === wanted.payments,
  );
  return found as (typeof allStatements)[number];
}
