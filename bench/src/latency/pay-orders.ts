import { HttpConnection } from '../load/http-connection.ts';
import { type Percentiles, percentilesOf } from '../report/percentiles.ts';
import { dueMs, type Schedule, sendOpenLoop } from './open-loop.ts';

export interface LatencyJob extends Schedule {
  readonly port: number;
  readonly productId: number;
  /** Prefix of the order ids; the number of the order follows. */
  readonly prefix: string;
}

export interface LatencyReport {
  readonly answered: Percentiles;
  /** In order of the orders. */
  readonly instances: readonly string[];
  /** Wall time of the start, in ms. */
  readonly startedMs: number;
  readonly statuses: Readonly<Record<string, number>>;
}

const connectionCount = 128;

/** Pays orders, and records when each was answered. */
export async function payOrders(job: LatencyJob): Promise<LatencyReport> {
  const connections = await Promise.all(
    Array.from({ length: connectionCount }, () => HttpConnection.open(job.port)),
  );
  const answered = new Float64Array(job.count);
  const instances: string[] = [];
  const statuses: Record<string, number> = {};

  const startedAt = performance.now();
  await sendOpenLoop(connections, job, startedAt, async (connection, nth) => {
    const body = `{"productId":"${job.productId}","userId":"${nth + 1}"}`;
    const status = await connection.post(`/v1/orders/${job.prefix}${nth}/paid`, body);
    answered[nth] = performance.now() - startedAt - dueMs(job, nth);
    statuses[status] = (statuses[status] ?? 0) + 1;
    instances[nth] = (JSON.parse(connection.body.toString()) as { instanceId: string }).instanceId;
  });
  for (const connection of connections) connection.close();
  const startedMs = performance.timeOrigin + startedAt;
  return { answered: percentilesOf(answered), instances, startedMs, statuses };
}
