import { HttpConnection } from './http-connection.ts';

export interface PayJob {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** Starts every order id, so that no two jobs pay the same order. */
  readonly orderPrefix: string;
  readonly productId: number;
}

export interface PayReport {
  readonly seconds: number;
  readonly perSecond: number;
  /** How many answers had which status; `broken` counts connections that failed. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly latencyMs: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
}

/** Pays as many orders as the server takes, each once. Only created ones (201) count for the rate. */
export async function payOrders(job: PayJob): Promise<PayReport> {
  const connections = await Promise.all(
    Array.from({ length: job.connections }, () => HttpConnection.open(job.port)),
  );
  const statuses: Record<string, number> = {};
  const latencies: number[] = [];
  let order = 0;

  const startedAt = performance.now();
  const endsAt = startedAt + job.seconds * 1000;
  const payUntilTheEnd = async (connection: HttpConnection) => {
    while (performance.now() < endsAt) {
      order += 1;
      const sentAt = performance.now();
      const outcome = await payOne(connection, job, order);
      latencies.push(performance.now() - sentAt);
      statuses[outcome] = (statuses[outcome] ?? 0) + 1;
      if (outcome === 'broken') return;
    }
  };
  await Promise.all(connections.map(payUntilTheEnd));
  const seconds = (performance.now() - startedAt) / 1000;

  for (const connection of connections) connection.close();
  const perSecond = Math.round((statuses['201'] ?? 0) / seconds);
  return { seconds, perSecond, statuses, latencyMs: summarize(latencies) };
}

async function payOne(connection: HttpConnection, job: PayJob, order: number): Promise<string> {
  const path = `/v1/orders/${job.orderPrefix}${order}/paid`;
  try {
    return String(await connection.post(path, `{"productId":"${job.productId}","userId":"${order}"}`));
  } catch {
    return 'broken';
  }
}

function summarize(latencies: number[]): PayReport['latencyMs'] {
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number) => Number((sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(2));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
