import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { ProductId } from '../instance/purchase.ts';
import { type OpenOutcome, type Sale, type SaleStore, toSale } from '../sale/sale.ts';
import { parseStreamKey, streamOf } from '../triggers/seckill-key.ts';
import { askSale } from './ask-sale.ts';
import { readSaleHash } from './sale-hash.ts';
import { saleKeys, saleStreams } from './sale-keys.ts';
import { changeSale, openSale, readSale } from './sale-scripts.ts';

const answerDeadlineMs = 10_000;

/** Each call is one script, and so one atomic step. */
export function redisSaleStore(redis: Redis): SaleStore {
  const ask = <T>(reply: Promise<unknown>) => askSale<T>(redis, answerDeadlineMs, reply);

  const find = async (productId: ProductId): Promise<Sale | undefined> => {
    const { sale } = saleKeys(streamOf(productId));
    const [nowMs, flat] = await ask<[number, string[]]>(readSale(redis, [sale]));
    const stored = readSaleHash(flat);
    if (!stored) return undefined;
    const { number: _, secret: __, ...shown } = stored;
    return toSale(productId, shown, nowMs);
  };

  return {
    async open({ productId, stock, perUserLimit, startsAt, endsAt, entry, admitPerSecond }) {
      const stream = streamOf(productId);
      const { sale, buyers, entries, order, tickets } = saleKeys(stream);
      // Before the sale: a name too many in the set is nothing, one too few a sale that no list shows.
      await ask(redis.sadd(saleStreams, stream));
      return ask<OpenOutcome>(
        openSale(
          redis,
          [sale, buyers, entries, order, tickets],
          ...[stock, perUserLimit, startsAt?.getTime() ?? '', endsAt?.getTime() ?? '', entry],
          ...[admitPerSecond ?? '', randomBytes(32).toString('hex')],
        ),
      );
    },

    find,

    async list(limit, after) {
      const streams = await ask<string[]>(redis.smembers(saleStreams));
      const products = streams.map(parseStreamKey).filter((product) => product > after);
      products.sort((a, b) => (a < b ? -1 : 1));
      const sales: Sale[] = [];
      // The names are many and cheap. A name may be without its sale, and then the page is filled from those behind it.
      while (sales.length < limit && products.length > 0) {
        const asked = products.splice(0, limit - sales.length);
        sales.push(...(await Promise.all(asked.map(find))).filter((sale) => sale !== undefined));
      }
      return sales;
    },

    async change(productId, { action = '', addStock = 0 }) {
      const { sale } = saleKeys(streamOf(productId));
      const outcome = await ask<'changed' | 'ended' | null>(changeSale(redis, [sale], action, addStock));
      return outcome ?? undefined;
    },
  };
}
