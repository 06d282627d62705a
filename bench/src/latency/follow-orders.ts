import { setTimeout as sleep } from 'node:timers/promises';
import { HttpConnection } from '../load/http-connection.ts';
import { type Percentiles, percentilesOf } from '../report/percentiles.ts';
import { answerEvents, type ReceivedAt } from './answer-events.ts';
import { dueMs, type Schedule, sendOpenLoop } from './open-loop.ts';

export interface LatencyJob extends Schedule {
  readonly port: number;
  readonly rabbitmq: string;
  readonly queue: string;
  readonly resultQueue: string;
  readonly productId: number;
  /** Prefix of the order ids; the number of the order follows. */
  readonly prefix: string;
}

export interface LatencyReport {
  readonly answered: Percentiles;
  /** Until a consumer has the event: a quorum queue delivers when it confirms. */
  readonly confirmed: Percentiles;
  /** Wall time of the start, in ms. */
  readonly startedMs: number;
  readonly statuses: Readonly<Record<string, number>>;
}

const connectionCount = 128;
const confirmedWithinMs = 60_000;
let answering: Promise<ReceivedAt> | undefined;

/** Pays orders, and records when each was answered and when its event arrived. */
export async function followOrders(job: LatencyJob): Promise<LatencyReport> {
  answering ??= answerEvents(job.rabbitmq, job.queue, job.resultQueue);
  const receivedAt = await answering;
  receivedAt.clear();
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
  const deadline = performance.now() + confirmedWithinMs;
  while (!instances.every((id) => receivedAt.has(id))) {
    if (performance.now() > deadline)
      throw new Error(`${receivedAt.size} of ${job.count} events were received`);
    await sleep(20);
  }
  const confirmed = instances.map((id, nth) => (receivedAt.get(id) ?? 0) - startedAt - dueMs(job, nth));
  return {
    answered: percentilesOf(answered),
    confirmed: percentilesOf(confirmed),
    startedMs: performance.timeOrigin + startedAt,
    statuses,
  };
}
