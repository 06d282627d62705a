import type { Addresses } from './addresses.ts';
import type { Cleanup } from './cleanup.ts';
import type { Options } from './options.ts';
import type { Progress } from './progress.ts';

/** What every measurement gets. */
export interface Bench {
  readonly options: Options;
  /** Replaced when the bench has started servers of its own. */
  addresses: Addresses;
  readonly cleanup: Cleanup;
  readonly progress: Progress;
  /** Aborted on Ctrl-C; loops check it before each round. */
  readonly signal: AbortSignal;
}

/** Queues and databases contain the process id, so that two benches on one machine do not collide. */
export const queuePrefix = `weir.bench.${process.pid}`;
export const databasePrefix = `weir_bench_${process.pid}`;

/** Products of the bench, one for each stream; no other key of the Redis database is used. */
export const firstProductId = 900_001;
let productIdsTaken = 0;

/** Products that no run has used yet. */
export function takeProductIds(count: number): number[] {
  const first = firstProductId + 1000 + productIdsTaken;
  productIdsTaken += count;
  return Array.from({ length: count }, (_, index) => first + index);
}

/** As large as a product of the demo catalogue, so that events have their usual size. */
export const product = {
  name: 'gpu-small',
  cpus: 4,
  memoryMb: 16_384,
  gpu: 1,
  image: 'ubuntu-22.04-cuda',
  priceCents: 990,
} as const;
