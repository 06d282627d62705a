import type { View } from './views-list.ts';

/** Parked items, orders, refunds and the activity log, each by what an operator filters. */
export function listOperatorViews(userId: string): View[] {
  return [...listParked(), ...listGroups(), ...listOrders(userId), ...listActivity()];
}

function listParked(): View[] {
  const view = (name: string, query: string, condition: string): View => ({
    name: `parked: ${name}`,
    path: `/v1/parked?total=true&${query}`,
    sql: `SELECT * FROM parked WHERE ${condition} ORDER BY id DESC LIMIT 50`,
  });
  const isParked = "state = 'PARKED'";
  return [
    view('newest', '', isParked),
    view('a reason', 'reason=ORDER_NOT_FOUND', `${isParked} AND reason = 'ORDER_NOT_FOUND'`),
    view('a rare reason', 'reason=USER_ID_INVALID', `${isParked} AND reason = 'USER_ID_INVALID'`),
    view('an origin', 'origin=STREAM', `${isParked} AND origin = 'STREAM'`),
    view('an origin without items', 'origin=DEAD_LETTER', `${isParked} AND origin = 'DEAD_LETTER'`),
    view('a stream', 'scope=stream:seckill:1007', `${isParked} AND scope = 'stream:seckill:1007'`),
    view('replayed', 'state=REPLAYED', "state = 'REPLAYED'"),
    view('every state, a rare reason', 'state=ALL&reason=USER_ID_INVALID', "reason = 'USER_ID_INVALID'"),
    view('deep page', 'cursor=500000', `${isParked} AND id < 500000`),
  ];
}

function listGroups(): View[] {
  const view = (name: string, query: string, condition: string): View => ({
    name: `parked, counted: ${name}`,
    path: `/v1/parked/groups?${query}`,
    sql: `SELECT reason, origin, count(*) FROM parked WHERE state = 'PARKED' AND ${condition} GROUP BY 1, 2`,
  });
  return [
    view('all', '', 'true'),
    view('a rare reason', 'reason=USER_ID_INVALID', "reason = 'USER_ID_INVALID'"),
    view('a source', 'source=ORDER', "source = 'ORDER'"),
  ];
}

function listOrders(userId: string): View[] {
  const view = (name: string, query: string, condition: string): View => ({
    name: `orders: ${name}`,
    path: `/v1/orders?total=true&${query}`,
    sql: `SELECT * FROM orders WHERE ${condition} ORDER BY created_at DESC LIMIT 50`,
  });
  const open = "SELECT * FROM compensations WHERE kind = 'REFUND' AND status = 'REQUESTED'";
  return [
    view('newest', '', 'true'),
    view('a rare status', 'status=PENDING', "status = 'PENDING'"),
    view('product', 'productId=1007', 'product_id = 1007'),
    view('user', `userId=${userId}`, `user_id = ${userId}`),
    view(
      'payment',
      'paymentId=PAY4242',
      "id IN (SELECT order_id FROM payments WHERE payment_id = 'PAY4242')",
    ),
    { name: 'one order', path: '/v1/orders/WEB4242', sql: "SELECT * FROM orders WHERE id = 'WEB4242'" },
    { name: 'refunds', path: '/v1/refunds?total=true', sql: `${open} ORDER BY id DESC LIMIT 50` },
    {
      name: 'refunds of an order',
      path: '/v1/refunds?total=true&orderId=WEB4242',
      sql: `${open} AND source_id = 'WEB4242'`,
    },
  ];
}

function listActivity(): View[] {
  const view = (name: string, query: string, condition: string): View => ({
    name: `activity: ${name}`,
    path: `/v1/activity?total=true&${query}`,
    sql: `SELECT * FROM activity WHERE ${condition} ORDER BY at DESC LIMIT 50`,
  });
  return [
    view('newest', '', 'true'),
    view('a rare operator', 'actor=rare', "actor = 'rare'"),
    view('a rare action', 'action=PRODUCT_DISABLED', "action = 'PRODUCT_DISABLED'"),
    view('a kind and an id', 'subject=parked&subjectId=4242', "subject_id = '4242'"),
  ];
}
