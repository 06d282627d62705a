import { randomInt } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { ProductId, SourceId } from '../../core/instance/purchase.ts';
import { streamOf } from '../../core/triggers/seckill-key.ts';
import { failpoint } from '../../lib/failpoint.ts';
import type { Checkout, CheckoutOutcome, Refusal, TicketOutcome } from '../../sale/checkout.ts';
import { rebuildingError } from '../../sale/rebuilding-error.ts';
import { askSale } from './ask-sale.ts';
import { buyUnits, buyUnitsOnDisk } from './buy-script.ts';
import type { Acknowledge } from './connections.ts';
import { createDisk, type Disk } from './disk.ts';
import { readSaleHash } from './sale-hash.ts';
import { saleKeys } from './sale-keys.ts';
import { issueTicket, readSaleAndBuyers } from './sale-scripts.ts';

export interface RedisCheckoutOptions {
  /**
   * `fsync`, `replica`: a purchase is answered only when Redis has its entry on disk (WAITAOF, Redis 7.2), or a replica
   * has it.
   */
  acknowledge: Acknowledge;
  /** Redis holds only the current sales, and no list of them. */
  ledger: Pick<Checkout, 'findSecret' | 'listProducts'>;
  /**
   * Used unless `memory`. By default on the checkout's own connection, where each wait delays the sales
   * sent after it.
   */
  disk?: Disk;
  /**
   * Checks that the sale of this product on the connected server is the one in the database; undefined: it
   * is. Called after every other wait, because the connection may have been replaced meanwhile and the new
   * server may lack buys.
   */
  verify?: (productId: ProductId) => Promise<void> | undefined;
  /**
   * For reads and tickets, so that they never wait behind purchases; by default the checkout's own
   * connection.
   */
  queries?: Redis;
}

/** A buyer without an answer by then repeats the request and gets the existing entry. */
const answerDeadlineMs = 2_000;
/** Buyers returned by one read: enough for few round trips, and small enough not to block Redis. */
const buyersPerRead = 5_000;

/**
 * A random number in every id that one script adds, below 2^48: with the four digits that the script appends
 * it stays below 2^63.
 */
const maxNonce = 2 ** 48 - 1;

/**
 * Each buyer is one step of one script. When the connection breaks, a request with the same key finds out the
 * outcome.
 */
export function redisCheckout(redis: Redis, options: RedisCheckoutOptions): Checkout {
  const { acknowledge, ledger, queries = redis, verify = () => undefined } = options;
  const ask = <T>(reply: Promise<unknown>, on = redis) => askSale<T>(on, answerDeadlineMs, reply);
  const awaits = acknowledge === 'memory' ? undefined : acknowledge;
  const disk = options.disk ?? createDisk(redis, awaits);
  const sell = awaits === 'fsync' ? buyUnitsOnDisk : buyUnits;
  return {
    async buy(productId, buyers) {
      // Checked before anything is sold: a Redis that cannot confirm writes would sell out without
      // answering any buyer.
      if (awaits) await disk.require();
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
      // Also for a repeat: the first request may still wait for the disk.
      if (awaits && outcomes.some((outcome) => 'streamId' in outcome)) await disk.sync();
      return outcomes;
    },

    async readSale(productId, { life, count, last, wantsMore }) {
      const { sale, order } = saleKeys(streamOf(productId));
      const reply = readSaleAndBuyers(
        queries,
        [sale, order],
        life,
        count,
        last,
        wantsMore ? buyersPerRead : 0,
      );
      const [nowMs, flat, buyerCount, from, buyers] = await ask<[number, string[], number, number, string[]]>(
        reply,
        queries,
      );
      const stored = readSaleHash(flat);
      if (!stored) return undefined;
      const { number, secret, life: present, version: _, nth: __, isRebuilding: ___, ...rest } = stored;
      return { life: present, number, secret, sale: rest, nowMs, from, buyers, buyerCount };
    },

    async issueTicket(productId, { userId, unit }) {
      const verifying = verify(productId);
      if (verifying) await verifying;
      const { sale, tickets } = saleKeys(streamOf(productId));
      const [kind, number, admittedAtMs, secret] = await ask<[string, string?, string?, string?]>(
        issueTicket(queries, [sale, tickets], userId.toString(), unit),
        queries,
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
