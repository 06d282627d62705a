import type { Redis } from 'ioredis';
import { WeirError } from '../errors.ts';
import type { ProductId, SourceId } from '../instance/purchase.ts';
import { type BuyOutcome, type OpenOutcome, type Refusal, type SaleStore, toSale } from '../sale/sale.ts';
import { streamPrefix } from '../triggers/seckill-stream.ts';
import { withDeadline } from './connect.ts';
import { saleKeys } from './sale-counters.ts';
import { buyUnit, changeSale, openSale, readSale } from './scripts.ts';

const answerDeadlineMs = 10_000;

/** Each call is one script, and so one atomic step; a lost answer is found again by asking with the same key. */
export function redisSaleStore(redis: Redis): SaleStore {
  const ask = async <T>(reply: Promise<unknown>): Promise<T> => {
    try {
      return await withDeadline(redis, answerDeadlineMs, reply as Promise<T>);
    } catch (error) {
      throw new WeirError('STORE_AWAY', 'Redis does not answer', { cause: error });
    }
  };
  return {
    async open({ productId, stock, perUserLimit, startsAt, endsAt }) {
      const { sale, buyers, entries } = saleKeys(streamOf(productId));
      const terms = [stock, perUserLimit, startsAt?.getTime() ?? '', endsAt?.getTime() ?? ''];
      return ask<OpenOutcome>(redis.eval(openSale, 3, sale, buyers, entries, ...terms));
    },

    async find(productId) {
      const { sale } = saleKeys(streamOf(productId));
      const [nowMs, flat] = await ask<[number, string[]]>(redis.eval(readSale, 1, sale));
      const fields = new Map<string, string>();
      for (let i = 0; i + 1 < flat.length; i += 2) fields.set(flat[i] as string, flat[i + 1] as string);
      if (!fields.has('stock')) return undefined;
      const read = (name: string) => Number(fields.get(name) ?? 0);
      const readDate = (name: string) => (fields.get(name) ? new Date(read(name)) : undefined);
      return toSale(
        productId,
        {
          stock: read('stock'),
          perUserLimit: read('limit'),
          startsAt: readDate('startsMs'),
          endsAt: readDate('endsMs'),
          sold: read('sold'),
          left: read('left'),
          givenBack: read('givenBack'),
          isPaused: fields.get('isPaused') === '1',
          hasEnded: fields.get('hasEnded') === '1',
        },
        nowMs,
      );
    },

    async change(productId, { action = '', addStock = 0 }) {
      const { sale } = saleKeys(streamOf(productId));
      return (
        (await ask<'changed' | 'ended' | null>(redis.eval(changeSale, 1, sale, action, addStock))) ??
        undefined
      );
    },

    async buy({ productId, userId, idempotencyKey = '', traceparent = '' }) {
      const stream = streamOf(productId);
      const { sale, units, buyers, entries, keys } = saleKeys(stream);
      const [kind, streamId] = await ask<[string, string?]>(
        redis.eval(
          buyUnit,
          6,
          ...[sale, units, buyers, entries, keys, stream],
          ...[userId.toString(), idempotencyKey, traceparent],
        ),
      );
      return toBuyOutcome(kind, streamId);
    },
  };
}

function streamOf(productId: ProductId): string {
  return `${streamPrefix}${productId}`;
}

function toBuyOutcome(kind: string, streamId: string | undefined): BuyOutcome {
  return kind === 'accepted' || kind === 'repeat'
    ? { kind, streamId: streamId as SourceId }
    : { kind: kind as Refusal };
}
