import type { Redis } from 'ioredis';
import type { SourceId } from '../instance/purchase.ts';
import { failpoint } from '../lib/failpoint.ts';
import type { BuyOutcome, Refusal, TicketOutcome, Till } from '../sale/till.ts';
import { streamOf } from '../triggers/seckill-key.ts';
import { askSale } from './ask-sale.ts';
import { createDisk } from './disk.ts';
import { readSaleHash } from './sale-hash.ts';
import { saleKeys } from './sale-keys.ts';
import { buyUnits, giveTicket, lookAtSale } from './sale-scripts.ts';

export interface RedisTillOptions {
  /** Answers a purchase only after Redis has its entry on disk (WAITAOF, Redis 7.2). */
  awaitsDisk: boolean;
}

/** A buyer who is not answered by then asks again, and gets the entry that he has. */
const answerDeadlineMs = 2_000;
/** Names a look brings along: enough for few round trips, and no reply that holds Redis up. */
const buyersPerLook = 5_000;

/** Each buyer is one step of one script. What a cut leaves open is found again by asking with the same key. */
export function redisTill(redis: Redis, { awaitsDisk }: RedisTillOptions): Till {
  const ask = <T>(reply: Promise<unknown>) => askSale<T>(redis, answerDeadlineMs, reply);
  const disk = createDisk(redis);
  return {
    async buy(productId, buyers) {
      // Before anything is sold: a Redis that cannot say when it is on disk would sell out and answer nobody.
      if (awaitsDisk) await disk.require();
      const stream = streamOf(productId);
      const { sale, units, buyers: held, entries, keys, order } = saleKeys(stream);
      const answers = ask<string[]>(
        buyUnits(
          redis,
          [sale, units, held, entries, keys, stream, order],
          ...buyers.flatMap(({ userId, idempotencyKey = '', ticket, traceparent = '' }) => {
            // One ticket is one purchase, however often it is shown.
            const key = ticket ? `ticket ${ticket.number}.${ticket.unit}` : idempotencyKey;
            return [userId.toString(), key, traceparent, ticket?.number ?? '', ticket?.admittedAtMs ?? 0];
          }),
        ),
      );
      const outcomes = readOutcomes(await answers);
      failpoint('after-buy');
      if (awaitsDisk && outcomes.some((outcome) => 'streamId' in outcome)) await disk.wait();
      return outcomes;
    },

    async look(productId, knows) {
      const { sale, order } = saleKeys(streamOf(productId));
      const reply = lookAtSale(redis, [sale, order], knows.number, knows.buyers, buyersPerLook);
      const [nowMs, flat, buyerCount, buyers] = await ask<[number, string[], number, string[]]>(reply);
      const stored = readSaleHash(flat);
      if (!stored) return undefined;
      const { number, secret, ...rest } = stored;
      return { number, secret, sale: rest, nowMs, buyers, buyerCount };
    },

    async giveTicket(productId, { userId, unit }) {
      const { sale, tickets } = saleKeys(streamOf(productId));
      const [kind, number, admittedAtMs, secret] = await ask<[string, string?, string?, string?]>(
        giveTicket(redis, [sale, tickets], userId.toString(), unit),
      );
      if (kind !== 'given' && kind !== 'repeat') return { kind } as TicketOutcome;
      return { kind, number: Number(number), admittedAtMs: Number(admittedAtMs), secret: secret ?? '' };
    },
  };
}

function readOutcomes(answers: readonly string[]): BuyOutcome[] {
  const outcomes: BuyOutcome[] = [];
  for (let i = 0; i < answers.length; i += 2) {
    const kind = answers[i] as 'accepted' | 'repeat' | Refusal;
    const streamId = answers[i + 1] as SourceId;
    outcomes.push(kind === 'accepted' || kind === 'repeat' ? { kind, streamId } : { kind });
  }
  return outcomes;
}
