import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAuditHolds } from '../support/life.ts';
import { lacksPatroni, type PatroniCluster, startPatroniCluster } from '../support/own-patroni.ts';
import { lacksProxy } from '../support/own-proxy.ts';
import { pollUntil } from '../support/poll-until.ts';
import { expectVerified } from './expect-verified.ts';
import { Load, payOrder, startShop } from './load.ts';

/** Weir has the one address of HAProxy, which leads to the primary of the two nodes. */
describe.skipIf(lacksPatroni() || lacksProxy('haproxy'))('PostgreSQL run by Patroni', () => {
  let cluster: PatroniCluster;
  beforeAll(async () => {
    cluster = await startPatroniCluster();
  }, 90_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test('every promise holds for the external checker during a switchover by Patroni', async () => {
    await expectVerified({ postgres: `${cluster.url}/verified` }, () => cluster.switchOver());
  });

  test('purchases go on at the primary that Patroni elects when the former is killed', async () => {
    const { weir, redis, database } = await startShop(`${cluster.url}/shop`);
    await cluster.waitForStandby();
    const load = new Load(weir, redis);
    await load.waitForMore();

    const former = await cluster.findPrimary();
    await former.kill();
    await cluster.findPrimary(cluster.nodes.filter((node) => node !== former));
    const electedAtMs = performance.now();
    await pollUntil('a payment after the election', 15_000, async () =>
      expect((await payOrder(weir, 'FIRST')).status).toBe(201),
    );
    const resumedAfterMs = performance.now() - electedAtMs;
    console.log(`the first instance ${Math.round(resumedAfterMs)} ms after the election`);
    expect(resumedAfterMs).toBeLessThan(5_000);
    await load.waitForMore();
    await load.stop();
    await load.expectKept(database);
    await expectAuditHolds(weir);
    expect(weir.lines.filter(({ msg }) => msg === 'parked')).toEqual([]);
  });
});
