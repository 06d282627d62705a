import { type Bench, queuePrefix, takeProductIds } from '../bench.ts';
import { Load } from '../load/load.ts';
import { startOwnRedisCluster } from '../machine/own-redis-cluster.ts';
import { redisConfig, startOwnRedis } from '../machine/own-servers.ts';
import type { Sample } from '../report/line.ts';
import type { Recorder } from '../report/recorder.ts';
import { takeTurns } from '../rounds.ts';
import { connectTo, createDatabase, insertProducts } from '../stores/database.ts';
import { connectToRedis } from '../stores/stream.ts';
import { removeSales, sellOut } from './admission.ts';
import { pipelineSubject } from './pipeline.ts';
import { settingsOf, startWeir } from './program.ts';

export const confirmedOnOneNode = 'one node: stream → confirmed';
export const confirmedInCluster = 'cluster: stream → confirmed';
export const acceptedOnOneNode = 'one node: accepted buys';
export const acceptedInCluster = 'cluster: accepted buys';

/** The first buys in a new process are slower: they are not measured. */
const mostWarmUp = 10_000;

/**
 * One product on one Redis, and in a Redis Cluster of three primaries, all with the same settings and running
 * all the time.
 */
export async function measureCluster(bench: Bench, recorder: Recorder): Promise<void> {
  const single = await startOwnRedis(bench, redisConfig);
  const cluster = await startOwnRedisCluster(bench);
  const at = (redis: string): Bench => ({ ...bench, addresses: { ...bench.addresses, redis } });
  const [onOneNode, inCluster] = [at(single.href), at(cluster)];
  const load = new Load(bench);
  const note = 'three primaries on this machine, one product';
  await takeTurns(bench, recorder, [
    pipelineSubject(onOneNode, confirmedOnOneNode, { purpose: 'one_node' }),
    { ...pipelineSubject(inCluster, confirmedInCluster, { purpose: 'cluster' }), note },
    { name: acceptedOnOneNode, measure: () => measureBuys(onOneNode, load, 'one_node_buys') },
    { name: acceptedInCluster, note, measure: () => measureBuys(inCluster, load, 'cluster_buys') },
  ]);
}

/** A sale in a new process, until its stock is sold. */
async function measureBuys(bench: Bench, load: Load, purpose: string): Promise<Sample> {
  const database = await createDatabase(bench, purpose);
  const redis = await connectToRedis(bench);
  const products = takeProductIds(2) as [number, number];
  await removeSales(bench, redis, products);
  const weir = await startWeir(
    bench,
    ['--roles', 'http'],
    settingsOf(bench, database, `${queuePrefix}.${purpose}`),
  );
  await insertProducts(await connectTo(bench, database), products);
  const shop = { bench, load, redis, weir };
  const stock = Math.min(mostWarmUp, bench.options.count);
  await sellOut(shop, { productId: products[0], firstUser: 1, stock });
  return sellOut(shop, { productId: products[1], firstUser: 1 });
}
