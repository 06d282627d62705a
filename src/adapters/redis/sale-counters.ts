import type { Redis } from 'ioredis';
import type { HeldUnit, SaleCounters, UnitAnswer } from '../../core/compensation/restock.ts';
import { groupBy } from '../../lib/group-by.ts';
import { answerDeadlineMs, withDeadline } from './connect.ts';
import { classifyRefusal } from './refusal.ts';
import { refusesEverything } from './refuses-everything.ts';
import { saleKeys } from './sale-keys.ts';
import { restockUnits } from './sale-scripts.ts';

export function redisSaleCounters(redis: Redis): SaleCounters {
  return {
    async restock(units) {
      const answers = new Map<HeldUnit, UnitAnswer>();
      for (const [stream, held] of groupBy(units, ({ stream }) => stream)) {
        const found = await restockTo(redis, stream, held);
        held.forEach((unit, i) => {
          answers.set(unit, toAnswer(found[i]));
        });
      }
      return units.map((unit) => answers.get(unit) ?? 'NO_SALE');
    },
  };
}

/**
 * A sale whose keys cannot be used must not stop the others: an error of Redis becomes the answer for its
 * units.
 */
async function restockTo(redis: Redis, stream: string, held: readonly HeldUnit[]): Promise<unknown[]> {
  const { sale, units, buyers } = saleKeys(stream);
  const ids = held.map(({ entryId }) => entryId);
  try {
    const reply = restockUnits(redis, [sale, units, buyers], ...ids) as Promise<unknown[]>;
    return await withDeadline(redis, answerDeadlineMs, reply);
  } catch (error) {
    const why = (error as Error).message;
    const isLater = isBeingRebuilt.test(why) || classifyRefusal(error)?.reason === 'MOVED';
    if (isLater) return held.map(() => ({ later: why }));
    if (refusesEverything(error)) throw error;
    return held.map(() => why);
  }
}

/** The error of the script while a lost sale is being rebuilt; other sales are not affected. */
const isBeingRebuilt = /TRYAGAIN the sale is being rebuilt/;

function toAnswer(found: unknown): UnitAnswer {
  if (typeof found === 'object' && found !== null) return found as { later: string };
  if (typeof found === 'string') return { failed: found };
  return found === 1 ? 'RESTOCKED' : 'NO_SALE';
}
