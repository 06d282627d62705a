import { type Percentiles, percentilesOf } from '../report/percentiles.ts';
import { HttpConnection } from './http-connection.ts';

export interface PostJob {
  readonly port: number;
  readonly connections: number;
  /** Longest duration. */
  readonly seconds: number;
  readonly productId: number;
  readonly request: Request;
  /** The status whose answers count for the rate. */
  readonly counts: string;
  /** An answer with this status ends the job. */
  readonly endsWith?: string;
}

/**
 * `order` pays an order with this prefix, so that no two jobs pay the same one; `buy` is a buyer from this
 * user on.
 */
export type Request =
  | { readonly kind: 'order'; readonly prefix: string }
  | { readonly kind: 'buy'; readonly firstUser: number };

export interface PostReport {
  readonly seconds: number;
  readonly perSecond: number;
  /** Answers by status; `broken` counts connections that failed. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly latencyMs: Percentiles;
}

/** Sends as many requests as the server accepts, each a different one. */
export async function postRequests(job: PostJob): Promise<PostReport> {
  const connections = await Promise.all(
    Array.from({ length: job.connections }, () => HttpConnection.open(job.port)),
  );
  const statuses: Record<string, number> = {};
  const latencies: number[] = [];
  let nth = 0;
  let isOver = false;

  const startedAt = performance.now();
  const endsAt = startedAt + job.seconds * 1000;
  const postUntilTheEnd = async (connection: HttpConnection) => {
    while (!isOver && performance.now() < endsAt) {
      nth += 1;
      const sentAt = performance.now();
      const outcome = await postOne(connection, job, nth);
      latencies.push(performance.now() - sentAt);
      statuses[outcome] = (statuses[outcome] ?? 0) + 1;
      if (outcome === job.endsWith) isOver = true;
      if (outcome === 'broken') return;
    }
  };
  await Promise.all(connections.map(postUntilTheEnd));
  const seconds = (performance.now() - startedAt) / 1000;

  for (const connection of connections) connection.close();
  const perSecond = Math.round((statuses[job.counts] ?? 0) / seconds);
  return { seconds, perSecond, statuses, latencyMs: percentilesOf(latencies) };
}

async function postOne(connection: HttpConnection, job: PostJob, nth: number): Promise<string> {
  const { request, productId } = job;
  const [path, body] =
    request.kind === 'order'
      ? [`/v1/orders/${request.prefix}${nth}/paid`, `{"productId":"${productId}","userId":"${nth}"}`]
      : [`/v1/sales/${productId}/buy`, `{"userId":"${request.firstUser + nth}"}`];
  try {
    return String(await connection.post(path, body));
  } catch {
    return 'broken';
  }
}
