import type { Redis } from 'ioredis';
import type { LedgerSale } from '../../sale/ledger.ts';
import type { LiveSale, LiveSales } from '../../sale/live-sales.ts';
import { askSale } from './ask-sale.ts';
import { answerDeadlineMs } from './connect.ts';
import { rebuildSale } from './rebuild-sale.ts';
import { newLife, readSaleHash } from './sale-hash.ts';
import { saleKeys, saleStreams } from './sale-keys.ts';
import { applyTerms, openSale } from './sale-scripts.ts';

const salesPerQuestion = 500;

/**
 * The counters of sales in Redis. Each call is one script and therefore one atomic step. A cluster has no set of all
 * sales: it would be on one node only.
 */
export function redisLiveSales(redis: Redis, { isInCluster = false } = {}): LiveSales {
  const ask = <T>(reply: Promise<unknown>) => askSale<T>(redis, answerDeadlineMs, reply);
  const token = newLife();

  return {
    async open(sale) {
      const { sale: hash, buyers, entries, order, tickets, keys } = saleKeys(sale.stream);
      // Before the sale: an extra name in the set does no harm, a missing one delays finding the stream.
      if (!isInCluster) await ask(redis.sadd(saleStreams, sale.stream));
      await ask(openSale(redis, [hash, buyers, entries, order, tickets, keys], ...toOpening(sale)));
    },

    async apply(sale) {
      const { sale: hash } = saleKeys(sale.stream);
      const state = [sale.isPaused ? 1 : 0, sale.hasEnded ? 1 : 0];
      const applied = applyTerms(redis, [hash], sale.id, sale.version, sale.stock, ...state);
      return (await ask<number>(applied)) === 1;
    },

    async read(streams) {
      const found: (LiveSale | undefined)[] = [];
      for (let from = 0; from < streams.length; from += salesPerQuestion) {
        const pipeline = redis.pipeline().time();
        for (const stream of streams.slice(from, from + salesPerQuestion))
          pipeline.hgetall(saleKeys(stream).sale);
        const replies = (await ask<[Error | null, unknown][] | null>(pipeline.exec())) ?? [];
        found.push(...readReplies(replies));
      }
      return found;
    },

    rebuild: (sale, readUnits) => rebuildSale(redis, sale, readUnits, token),
  };
}

function toOpening(sale: LedgerSale): (string | number)[] {
  const { id, version, stock, perUserLimit, startsAt, endsAt, entry, admitPerSecond, secret } = sale;
  return [
    ...[id, version, stock, perUserLimit, startsAt?.getTime() ?? '', endsAt?.getTime() ?? ''],
    ...[entry, admitPerSecond ?? '', secret, newLife()],
  ];
}

function readReplies(replies: readonly [Error | null, unknown][]): (LiveSale | undefined)[] {
  const [first, ...hashes] = replies.map(([error, reply]) => {
    // A key of another type holds no sale.
    if (error?.message.startsWith('WRONGTYPE')) return {};
    if (error) throw error;
    return reply;
  });
  const [seconds, micros] = first as [string, string];
  const nowMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
  return hashes.map((hash) => {
    const stored = readSaleHash(Object.entries(hash as Record<string, string>).flat());
    if (!stored) return undefined;
    const { number, version, secret, nth, isRebuilding, life: _, ...sale } = stored;
    return { number, version, secret, nth, isRebuilding, sale, nowMs };
  });
}
