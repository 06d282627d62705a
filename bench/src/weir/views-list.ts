import type { Filled } from './views-fill.ts';
import { listOperatorViews } from './views-operator.ts';

export interface View {
  name: string;
  path: string;
  /** The SQL that a person would write for it in psql. */
  sql: string;
}

const aDayMs = 86_400_000;
const columns =
  'instance_id, product_id, user_id, source, source_id, scope, status, reason, created_at, updated_at';

/** Every view of the page: now, the lists with each filter, one of each, sums and trends. */
export function listViews({ instanceId, userId, orderId, streamId }: Filled): View[] {
  return [
    ...listNow(),
    ...listInstances(userId),
    ...listSearches({ instanceId, userId, orderId, streamId }),
    ...listOthers(instanceId),
    ...listOperatorViews(userId),
  ];
}

function listNow(): View[] {
  const perSecond = (seconds: number) =>
    `SELECT date_trunc('second', created_at), source, count(*) FROM instance_logs
     WHERE created_at >= now() - interval '${seconds} seconds' GROUP BY 1, 2`;
  return [
    { name: 'now, 300 seconds', path: '/v1/now?seconds=300', sql: perSecond(300) },
    { name: 'now, as the stream tells it', path: '/v1/now?seconds=10', sql: perSecond(10) },
  ];
}

function listInstances(userId: string): View[] {
  const [from, to] = [new Date(Date.now() - 3 * aDayMs), new Date(Date.now() - 2 * aDayMs)].map((time) =>
    time.toISOString(),
  );
  const view = (name: string, query: string, condition: string): View => ({
    name: `list: ${name}`,
    path: `/v1/instances?total=true&${query}`,
    sql: `SELECT ${columns} FROM instance_logs WHERE ${condition} ORDER BY id DESC LIMIT 50`,
  });
  return [
    view('newest', '', 'true'),
    view('source', 'source=ORDER', "source = 'ORDER'"),
    view('a source of days ago', 'source=LAUNCH', "source = 'LAUNCH'"),
    view(
      'a source of days ago, SUCCESS',
      'source=LAUNCH&status=SUCCESS',
      "source = 'LAUNCH' AND status = 'SUCCESS'",
    ),
    view('a source there is not', 'source=NOBODY', "source = 'NOBODY'"),
    view('SUCCESS', 'status=SUCCESS', "status = 'SUCCESS'"),
    view('FAILED', 'status=FAILED', "status = 'FAILED'"),
    view('PROCESSING', 'status=PROCESSING', "status = 'PROCESSING'"),
    view('product', 'productId=1007', 'product_id = 1007'),
    view('a product nobody bought', 'productId=7', 'product_id = 7'),
    view('user', `userId=${userId}`, `user_id = ${userId}`),
    view('a user who bought nothing', 'userId=777777777', 'user_id = 777777777'),
    view('a day', `from=${from}&to=${to}`, `created_at >= '${from}' AND created_at < '${to}'`),
    view(
      'a day, FAILED, product',
      `from=${from}&to=${to}&status=FAILED&productId=1050`,
      `created_at >= '${from}' AND created_at < '${to}' AND status = 'FAILED' AND product_id = 1050`,
    ),
    view('source and user', `source=ORDER&userId=${userId}`, `source = 'ORDER' AND user_id = ${userId}`),
    view('deep page', 'cursor=500000', 'id < 500000'),
  ];
}

function listSearches(ids: Omit<Filled, 'rows'>): View[] {
  const view = (name: string, id: string): View => ({
    name: `search: ${name}`,
    path: `/v1/instances?total=true&q=${id}`,
    sql: `SELECT ${columns} FROM instance_logs WHERE source_id = '${id}'
      ${/^\d+$/.test(id) ? `OR instance_id = ${id} OR user_id = ${id}` : ''} ORDER BY id DESC LIMIT 50`,
  });
  return [
    view('instance id', ids.instanceId),
    view('order id', ids.orderId),
    view('stream id', ids.streamId),
    view('user id', ids.userId),
    view('nothing', 'no-such-id'),
  ];
}

function listOthers(instanceId: string): View[] {
  const trend = (name: string, ms: number, step: string): View => {
    const from = new Date(Date.now() - ms).toISOString();
    return {
      name: `trend: ${name}`,
      path: `/v1/stats/trend?from=${from}&step=${step}`,
      sql: `SELECT date_trunc('${step}', created_at), source, count(*) FROM instance_logs
        WHERE created_at >= '${from}' GROUP BY 1, 2 ORDER BY 1 DESC`,
    };
  };
  return [
    {
      name: 'one instance, timeline',
      path: `/v1/instances/${instanceId}`,
      sql: `SELECT ${columns} FROM instance_logs WHERE instance_id = ${instanceId}`,
    },
    {
      name: 'sources',
      path: '/v1/stats/sources',
      sql: `SELECT source, count(*), count(*) FILTER (WHERE status = 'SUCCESS') FROM instance_logs GROUP BY source`,
    },
    trend('an hour', aDayMs / 24, 'minute'),
    trend('a day', aDayMs, 'minute'),
    trend('a week', 7 * aDayMs, 'hour'),
    trend('a month', 30 * aDayMs, 'day'),
  ];
}
