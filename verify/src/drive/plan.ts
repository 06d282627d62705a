import { type Way, ways } from '../history/operation.ts';
import type { VerifyOptions } from '../options.ts';
import type { Terms } from './shop.ts';

export type Mix = Readonly<Record<Way, number>>;

export interface Plan {
  mix: Mix;
  /** Purchases a second, and in all. */
  rate: number;
  count: number;
  /** How many users buy in the sale, and its terms; undefined where nothing is bought in one. */
  buyers: number;
  terms: Terms | undefined;
  waitMs: number;
}

/** Buyers ask three times each and may have two units, and the stock is for three quarters of those: both bounds are met. */
const perUserLimit = 2;
const buysOfUser = 3;

export function createPlan(options: VerifyOptions): Plan {
  const { rate = 50, durationMs = 30_000, waitMs = 60_000, redis } = options;
  const { stream = 1, order = 1, instance = 1, buy = 1 } = options.mix ?? {};
  const mix = { stream: redis ? stream : 0, order, instance, buy };
  const count = options.count ?? Math.ceil((durationMs * rate) / 1000);
  const all = ways.reduce((sum, way) => sum + mix[way], 0);
  const buys = Math.ceil((count * buy) / all);
  return {
    ...{ mix, rate, count, waitMs },
    buyers: Math.max(2, Math.ceil(buys / buysOfUser)),
    terms: buy > 0 ? { perUserLimit, stock: Math.max(2, Math.ceil(buys / 2)) } : undefined,
  };
}
