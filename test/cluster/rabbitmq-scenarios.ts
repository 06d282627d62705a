import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  type ClusterOptions,
  type OwnRabbitmqCluster,
  startOwnRabbitmqCluster,
} from '../support/own-rabbitmq-cluster.ts';
import { pollUntil } from '../support/poll-until.ts';
import { openBrokerShop } from './broker-shop.ts';
import { expectVerified } from './expect-verified.ts';

/** For a machine that is busy; what is measured is printed. */
const deadlineMs = 45_000;
const timeoutMs = 120_000;

const measured = (what: string, ms: number) => console.log(`${what}: nothing was confirmed for ${ms} ms`);

type Cluster = () => OwnRabbitmqCluster;

/** One for the tests of a file. */
export function useCluster(options: ClusterOptions): Cluster {
  let cluster: OwnRabbitmqCluster;
  beforeAll(async () => {
    cluster = await startOwnRabbitmqCluster(options);
  }, timeoutMs);
  afterAll(() => cluster?.dispose());
  return () => cluster;
}

/** On every RabbitMQ. The last of them leaves one node down. */
export function testLossOfLeader(cluster: Cluster): void {
  test(
    'events flow again after the leader of their quorum queue is frozen',
    async () => {
      const shop = await openBrokerShop(cluster());
      const frozenAtMs = Date.now();
      shop.leader.pause();
      onTestFinished(() => shop.leader.resume());
      await shop.waitForConfirm(deadlineMs);
      await shop.paying.waitForMore(50, deadlineMs);
      measured('leader frozen', shop.longestSilenceMs(frozenAtMs));
      shop.leader.resume();
      await shop.expectNothingLost();
    },
    timeoutMs,
  );

  test(
    'every promise holds for the external checker while a node of RabbitMQ is killed',
    async () => {
      const [, , last] = cluster().nodes;
      await expectVerified({ rabbitmq: cluster().url }, async () => {
        await last.kill();
        await last.restart();
      });
    },
    timeoutMs,
  );

  test(
    'classic queues wait for their node, and nothing is lost or parked meanwhile',
    async () => {
      const shop = await openBrokerShop(cluster(), { queueType: 'classic' });
      await shop.leader.kill();
      await pollUntil('readiness to name the queue', 30_000, async () => {
        const { status, body } = await shop.weir.request('GET', '/readyz');
        expect(status).toBe(503);
        expect(body.queue).toMatch(
          /^queue weir\.test\S* accepts nothing: |^not connected: 127\.0\.0\.1:\d+: /,
        );
      });
      await shop.paying.waitForMore(50, deadlineMs);
      await shop.leader.restart();
      const restartedAtMs = Date.now();
      await shop.waitForConfirm(deadlineMs);
      measured('after the node of classic queues was back', Date.now() - restartedAtMs);
      await shop.expectNothingLost();
    },
    timeoutMs,
  );

  test(
    'events flow again after the leader of their quorum queue is killed',
    async () => {
      const shop = await openBrokerShop(cluster());
      const killedAtMs = Date.now();
      await shop.leader.kill();
      await shop.waitForConfirm(deadlineMs);
      await shop.paying.waitForMore(50, deadlineMs);
      measured('leader killed', shop.longestSilenceMs(killedAtMs));
      expect([...shop.paying.answers.keys()].filter((status) => status >= 400)).toEqual([]);
      await shop.expectNothingLost();
    },
    timeoutMs,
  );
}

/** What rabbitmqctl brings about, at some seconds a call. */
export function testTrouble(cluster: Cluster): void {
  test(
    'purchases go on while every node blocks its publishers, and events after that',
    async () => {
      const shop = await openBrokerShop(cluster());
      const [first] = cluster().nodes;
      await first.ctl('set_vm_memory_high_watermark', '0');
      await pollUntil('readiness to name the node', 20_000, async () => {
        const { status, body } = await shop.weir.request('GET', '/readyz');
        expect(status).toBe(503);
        expect(body.queue).toMatch(/^the broker has blocked publishers: .*\(127\.0\.0\.1:\d+\)$/);
      });
      await shop.paying.waitForMore(50, deadlineMs);
      await first.ctl('set_vm_memory_high_watermark', '0.6');
      await shop.waitForConfirm(deadlineMs);
      await shop.expectNothingLost();
    },
    timeoutMs,
  );

  test(
    'events flow again after the leader of their quorum queue is cut off',
    async () => {
      const shop = await openBrokerShop(cluster());
      const cutAtMs = Date.now();
      const heal = await cluster().isolate(shop.leader);
      await shop.waitForConfirm(deadlineMs);
      await shop.paying.waitForMore(50, deadlineMs);
      measured('leader cut off', shop.longestSilenceMs(cutAtMs));
      await heal();
      await shop.expectNothingLost();
    },
    timeoutMs,
  );
}
