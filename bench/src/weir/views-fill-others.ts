import type pg from 'pg';

/** As many parked items, orders and changes by operators each; one in a hundred thousand is of a rare kind. */
export async function fillOthers(client: pg.Client, rows: number): Promise<void> {
  for (const statement of [parked, orders, payments, refunds, activity])
    await client.query(statement, [rows]);
}

const parked = `
  INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
  SELECT (ARRAY['STREAM', 'PAYMENT', 'RESULT'])[1 + n % 3],
    CASE WHEN n % 100000 = 1 THEN 'USER_ID_INVALID'
      ELSE (ARRAY['PRODUCT_NOT_FOUND', 'ORDER_NOT_FOUND', 'RESULT_NOT_FOUND'])[1 + n % 3] END,
    'a bench', (ARRAY['SECKILL', 'ORDER', ''])[1 + n % 3],
    CASE n % 3 WHEN 0 THEN 'stream:seckill:' || 1001 + n % 100 WHEN 1 THEN 'p:PAY' || n ELSE '' END,
    n || '-0', decode(repeat('7b7d', 400), 'hex')
  FROM generate_series(1, $1::int) AS n`;

const orders = `
  INSERT INTO orders (id, product_id, user_id, status, amount_cents, created_at, paid_at)
  SELECT 'WEB' || n, 1001 + n % 100, 1 + (n * 7919::bigint) % 300000,
    CASE WHEN n % 100000 = 1 THEN 'PENDING' WHEN n % 2 = 0 THEN 'REFUND_REQUESTED' ELSE 'COMPLETED' END,
    100, at, CASE WHEN n % 100000 <> 1 THEN at END
  FROM generate_series(1, $1::int) AS n, LATERAL (SELECT now() - ($1::int - n) * interval '1 second' AS at) AS t`;

const payments = `
  INSERT INTO payments (order_id, payment_key, payment_id, outcome)
  SELECT 'WEB' || n, 'p:PAY' || n, 'PAY' || n, 'INSTANCE'
  FROM generate_series(1, $1::int) AS n WHERE n % 100000 <> 1`;

/** Half of the orders wait for their refund. */
const refunds = `
  INSERT INTO compensations (kind, source, source_id, product_id, user_id, amount_cents, payment_id, reason, status)
  SELECT 'REFUND', 'ORDER', 'WEB' || n, 1001 + n % 100, 1 + (n * 7919::bigint) % 300000, 100, 'PAY' || n, 'ORDER_EXPIRED',
    'REQUESTED'
  FROM generate_series(1, $1::int) AS n WHERE n % 2 = 0`;

const activity = `
  INSERT INTO activity (at, actor, via, action, subject_kind, subject_id, before, after)
  SELECT now() - ($1::int - n) * interval '1 second',
    CASE WHEN n % 100000 = 1 THEN 'rare' ELSE 'operator ' || n % 5 END, 'http',
    CASE WHEN n % 100000 = 2 THEN 'PRODUCT_DISABLED' ELSE 'PARKED_DISCARDED' END,
    CASE WHEN n % 100000 = 2 THEN 'product' ELSE 'parked' END, n::text, '{"state":"PARKED"}', '{"state":"DISCARDED"}'
  FROM generate_series(1, $1::int) AS n`;
