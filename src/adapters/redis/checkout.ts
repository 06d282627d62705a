import { randomInt } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { ProductId, SourceId } from '../../core/instance/purchase.ts';
import { streamOf } from '../../core/triggers/seckill-key.ts';
import { failpoint } from '../../lib/failpoint.ts';
import type { Checkout, CheckoutOutcome, Refusal, TicketOutcome } from '../../sale/checkout.ts';
import { rebuildingError } from '../../sale/rebuilding-error.ts';
import { askSale } from './ask-sale.ts';
import { buyUnits, buyUnitsOnDisk } from './buy-script.ts';
import { createDisk, type Disk } from './disk.ts';
import { readSaleHash } from './sale-hash.ts';
import { saleKeys } from './sale-keys.ts';
import { giveTicket, lookAtSale } from './sale-scripts.ts';

export interface RedisCheckoutOptions {
  /** Answers a purchase only after Redis has its entry on disk (WAITAOF, Redis 7.2). */
  awaitsDisk: boolean;
  /** Redis has the present sales only, and no list of them. */
  ledger: Pick<Checkout, 'findSecret' | 'listProducts'>;
  /** With `awaitsDisk`; by default on the checkout's own connection, where sales wait behind it. */
  disk?: Disk;
  /**
   * Whether the sale of this product is the one that the database knows, on the server that is connected now; undefined:
   * yes. Asked after every other wait: during one the connection may be replaced, and the new server may lack buys.
   */
  verify?: (productId: ProductId) => Promise<void> | undefined;
  /** For looks and tickets, which wait for no purchase; by default the checkout's own connection. */
  looking?: Redis;
}

/** A buyer without an answer by then asks again, and gets the existing entry. */
const answerDeadlineMs = 2_000;
/** Names a look brings along: enough for few round trips, and no reply that holds Redis up. */
const buyersPerLook = 5_000;

/** A random number in every id that one script adds, below 2^48: with the four digits of the script it stays below 2^63. */
const maxNonce = 2 ** 48 - 1;

/** Each buyer is one step of one script. What a cut leaves open is found again by asking with the same key. */
export function redisCheckout(redis: Redis, options: RedisCheckoutOptions): Checkout {
  const { awaitsDisk, ledger, looking = redis, verify = () => undefined } = options;
  const ask = <T>(reply: Promise<unknown>, on = redis) => askSale<T>(on, answerDeadlineMs, reply);
  const disk = options.disk ?? createDisk(redis);
  const sell = awaitsDisk ? buyUnitsOnDisk : buyUnits;
  return {
    async buy(productId, buyers) {
      // Before anything is sold: a Redis that cannot say when it is on disk would sell out without an answer to any buyer.
      if (awaitsDisk) await disk.require();
      const verifying = verify(productId);
      if (verifying) await verifying;
      const stream = streamOf(productId);
      const { sale, units, buyers: held, entries, keys, order, used } = saleKeys(stream);
      const answers = ask<string[]>(
        sell(
          redis,
          [sale, units, held, entries, keys, stream, order, used],
          randomInt(1, maxNonce),
          ...buyers.flatMap(({ userId, idempotencyKey = '', ticket, traceparent = '' }) => [
            ...[userId.toString(), idempotencyKey, traceparent],
            ...[ticket?.number ?? '', ticket?.unit ?? '', ticket?.admittedAtMs ?? 0],
          ]),
        ),
      );
      const outcomes = readOutcomes(await answers);
      failpoint('after-buy');
      // A repeat as well: the first request may still wait for the disk.
      if (awaitsDisk && outcomes.some((outcome) => 'streamId' in outcome)) await disk.sync();
      return outcomes;
    },

    async look(productId, { life, count, last, wantsMore }) {
      const { sale, order } = saleKeys(streamOf(productId));
      const reply = lookAtSale(looking, [sale, order], life, count, last, wantsMore ? buyersPerLook : 0);
      const [nowMs, flat, buyerCount, from, buyers] = await ask<[number, string[], number, number, string[]]>(
        reply,
        looking,
      );
      const stored = readSaleHash(flat);
      if (!stored) return undefined;
      const { number, secret, life: present, version: _, nth: __, isRebuilding: ___, ...rest } = stored;
      return { life: present, number, secret, sale: rest, nowMs, from, buyers, buyerCount };
    },

    async giveTicket(productId, { userId, unit }) {
      const verifying = verify(productId);
      if (verifying) await verifying;
      const { sale, tickets } = saleKeys(streamOf(productId));
      const [kind, number, admittedAtMs, secret] = await ask<[string, string?, string?, string?]>(
        giveTicket(looking, [sale, tickets], userId.toString(), unit),
        looking,
      );
      if (kind === 'REBUILDING') throw rebuildingError();
      if (kind !== 'given' && kind !== 'repeat') return { kind } as TicketOutcome;
      return { kind, number: Number(number), admittedAtMs: Number(admittedAtMs), secret: secret ?? '' };
    },

    listProducts: ledger.listProducts,
    findSecret: ledger.findSecret,
  };
}

function readOutcomes(answers: readonly string[]): CheckoutOutcome[] {
  const outcomes: CheckoutOutcome[] = [];
  for (let i = 0; i < answers.length; i += 2) {
    const kind = answers[i] as 'accepted' | 'repeat' | 'REBUILDING' | Refusal;
    const streamId = answers[i + 1] as SourceId;
    outcomes.push(kind === 'accepted' || kind === 'repeat' ? { kind, streamId } : { kind });
  }
  return outcomes;
}
