import { connect } from 'amqplib';
import { expect } from 'vitest';
import { ensureQueues, type QueueType } from '../../src/adapters/rabbitmq/queue.ts';
import type { ClusterNode, OwnRabbitmqCluster } from '../support/own-rabbitmq-cluster.ts';
import { longestGap, type Paying, startPaying } from '../support/paying.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createPostgresDatabase, drainQueue, queuesBeside, uniqueName } from '../support/stores.ts';
import { openTestPool } from '../support/test-pool.ts';
import { type LogLine, type RunningWeir, startWeir } from '../support/weir.ts';

export interface BrokerShop {
  weir: RunningWeir;
  paying: Paying;
  /** Of the created queue. */
  leader: ClusterNode;
  /** How long nothing was confirmed, at the longest, since `sinceMs`. */
  longestSilenceMs(sinceMs: number): number;
  /** Waits until an event is confirmed that was published after now. */
  waitForConfirm(deadlineMs: number): Promise<void>;
  /** Ends the load; every payment then has one row and one message id, and nothing was parked. */
  expectNothingLost(): Promise<void>;
}

export interface ShopOptions {
  queueType?: QueueType;
  env?: Record<string, string>;
}

/** A Weir that knows all three nodes, under load. All of its queues are led by the second node. */
export async function openBrokerShop(
  cluster: OwnRabbitmqCluster,
  { queueType = 'quorum', env = {} }: ShopOptions = {},
): Promise<BrokerShop> {
  const source = await createPostgresDatabase();
  const database = openTestPool(source);
  await database.query(
    "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu')",
  );
  const queue = uniqueName('weir.test');
  const [, leader] = cluster.nodes;
  await makeQueues(leader, queue, queueType);
  const weir = await startWeir({
    WEIR_DATA_DATABASE_SOURCE: source,
    WEIR_DATA_RABBITMQ_URL: cluster.url,
    WEIR_DATA_RABBITMQ_QUEUE: queue,
    WEIR_DATA_RABBITMQ_QUEUETYPE: queueType,
    ...env,
  });
  const paying = startPaying(weir);
  await paying.waitForMore(20, 20_000);
  const confirmsMs = () => weir.lines.filter(({ event }) => event === 'events_published').map(timeOf);
  const waitForConfirm = (deadlineMs: number) => {
    const sinceMs = Date.now();
    return pollUntil('an event to be confirmed', deadlineMs, async () =>
      expect(confirmsMs().at(-1) ?? 0, weir.lines.at(-1)?.msg).toBeGreaterThan(sinceMs),
    );
  };
  await waitForConfirm(20_000);

  async function expectNothingLost(): Promise<void> {
    await paying.stop();
    const counts = await pollUntil('the outbox to be empty', 60_000, async () => {
      const { rows } = await database.query(
        `SELECT (SELECT count(*)::int FROM outbox) AS waiting, (SELECT count(*)::int FROM parked) AS parked,
           (SELECT count(*)::int FROM instance_logs) AS instances`,
      );
      expect(rows[0].waiting).toBe(0);
      return rows[0];
    });
    expect(counts).toMatchObject({ parked: 0, instances: paying.paid.size });
    const messages = await drainQueue(queue, paying.paid.size, cluster.nodes[0].url);
    expect([...new Set(messages.map(({ id }) => id))].sort()).toEqual([...paying.paid.values()].sort());
    expect((await weir.request('GET', '/v1/audit')).body.sums.filter(isBroken)).toEqual([]);
  }

  return {
    ...{ weir, paying, leader, waitForConfirm, expectNothingLost },
    longestSilenceMs: (sinceMs) => longestGap([...confirmsMs(), Date.now()], sinceMs),
  };
}

/** From a connection to this node, which then leads them. */
async function makeQueues(node: ClusterNode, queue: string, queueType: QueueType): Promise<void> {
  const connection = await connect(node.url);
  const { WEIR_DATA_RABBITMQ_DEADLETTERQUEUE: deadLetterQueue = '', ...others } = queuesBeside(queue);
  const queues = [queue, ...Object.values(others), `${queue}.installation`];
  await ensureQueues(connection, queues, { queueType, deadLetterQueue }, (warning) => expect.fail(warning));
  await connection.close();
}

function timeOf({ time }: LogLine): number {
  return new Date(String(time)).getTime();
}

function isBroken({ difference, exceptions }: { difference: number; exceptions: unknown[] }): boolean {
  return difference !== 0 || exceptions.length > 0;
}
