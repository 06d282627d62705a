import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { LedgerSale, LedgerUnit } from '../../sale/ledger.ts';
import { askSale } from './ask-sale.ts';
import { answerDeadlineMs } from './connect.ts';
import { newLife } from './sale-hash.ts';
import { saleKeys, saleStreams } from './sale-keys.ts';
import { beginRebuild, finishRebuild, renewRebuild } from './sale-scripts.ts';
import { readStreamFigures } from './scripts.ts';

/** After this long without a renewal another process may take over an unfinished rebuild. */
const rebuildLeaseMs = 15_000;
/**
 * How long one attempt waits for the entries of the stream; the sale stays closed, and the next check tries
 * again.
 */
const drainDeadlineMs = 1_000;
const drainPollMs = 50;

type Counted = { nth: number; sold: number; backOfSale: number; back: number };

/**
 * Rebuilds the counters of a sale from the units in the database. First the sale is closed and its stream
 * read to the end, so that the database knows every unit; then the hashes are written under other names and
 * replace the present ones in one step.
 *
 * @param token of this process, which may continue its own rebuild; never used twice at the same time
 * @returns why it could not be done now; undefined when it is done
 */
export async function rebuildSale(
  redis: Redis,
  sale: LedgerSale,
  readUnits: () => AsyncIterable<LedgerUnit[]>,
  token: string,
): Promise<string | undefined> {
  const ask = <T>(reply: Promise<unknown>) => askSale<T>(redis, answerDeadlineMs, reply);
  const keys = saleKeys(sale.stream);
  const built = rebuiltKeys(sale.stream);
  const begun = await ask<number>(
    beginRebuild(redis, [keys.sale, ...Object.values(built)], token, rebuildLeaseMs),
  );
  if (begun === 0) return 'another process is rebuilding it';
  await ask(redis.sadd(saleStreams, sale.stream));
  const undrained = await waitForStream(redis, sale.stream);
  if (undrained !== undefined) return undrained;

  const counted: Counted = { nth: 0, sold: 0, backOfSale: 0, back: 0 };
  for await (const units of readUnits()) {
    if ((await ask<number>(renewRebuild(redis, [keys.sale], token))) === 0)
      return 'another process took over';
    await writeUnits(redis, sale, units, counted);
  }
  const pairs = (Object.keys(built) as (keyof typeof built)[]).flatMap((name) => [keys[name], built[name]]);
  const finished = finishRebuild(redis, [keys.sale, ...pairs], token, ...toFields(sale, counted));
  return (await ask<number>(finished)) === 1 ? undefined : 'another process took over';
}

/** The keys that replace the sale's own. Tickets are kept as they are. */
function rebuiltKeys(stream: string) {
  const tag = `{${stream}}:rebuilt`;
  return {
    units: `${tag}:units`,
    buyers: `${tag}:buyers`,
    entries: `${tag}:entries`,
    keys: `${tag}:keys`,
    used: `${tag}:used`,
    order: `${tag}:order`,
  };
}

/** @returns what the stream still waits for; undefined when every entry is acknowledged */
async function waitForStream(redis: Redis, stream: string): Promise<string | undefined> {
  const deadline = performance.now() + drainDeadlineMs;
  for (;;) {
    const waiting = await countUnread(redis, stream);
    if (waiting === 0) return undefined;
    if (performance.now() > deadline) return `its stream has ${waiting} entries that are not finished`;
    await delay(drainPollMs);
  }
}

async function countUnread(redis: Redis, stream: string): Promise<number> {
  const ask = <T>(reply: Promise<unknown>) => askSale<T>(redis, answerDeadlineMs, reply);
  if ((await ask<number>(redis.exists(stream))) === 0) return 0;
  const [, delivered, lag, last] = await ask<[number, string, number, string]>(
    redis.eval(readStreamFigures, 1, stream, 'weir'),
  );
  // Where Redis does not count undelivered entries: at least one, unless the last entry was delivered.
  const undelivered = lag >= 0 ? lag : delivered === last ? 0 : 1;
  const pending = await ask<[number] | null>(redis.xpending(stream, 'weir')).catch(() => null);
  return undelivered + Number(pending?.[0] ?? 0);
}

async function writeUnits(
  redis: Redis,
  sale: LedgerSale,
  units: readonly LedgerUnit[],
  counted: Counted,
): Promise<void> {
  const built = rebuiltKeys(sale.stream);
  const pipeline = redis.pipeline();
  for (const unit of units) {
    const user = unit.userId.toString();
    pipeline.hset(built.units, unit.entryId, `${unit.isBack ? '-' : ''}${unit.saleId}:${user}:`);
    if (unit.isBack) counted.back++;
    if (unit.ticketUnit !== undefined) {
      pipeline.hset(built.used, `${unit.saleId}.${user}.${unit.ticketUnit}`, unit.entryId);
    }
    if (unit.saleId !== sale.id) continue;
    counted.nth = Math.max(counted.nth, unit.nth);
    if (unit.isBack) counted.backOfSale++;
    else {
      counted.sold++;
      pipeline.hincrby(built.buyers, user, 1);
    }
    pipeline.hset(built.entries, user, `${unit.entryId} ${unit.userNth}`);
    pipeline.rpush(built.order, user);
    if (unit.idempotencyKey !== undefined) {
      pipeline.hset(built.keys, `${user} ${unit.idempotencyKey}`, unit.entryId);
    }
  }
  const replies = await askSale<[Error | null, unknown][]>(redis, answerDeadlineMs, pipeline.exec());
  for (const [error] of replies) if (error) throw error;
}

/** Restocked units are sold before units that were never sold, as far as the stock allows. */
function toFields(sale: LedgerSale, { nth, sold, backOfSale, back }: Counted): (string | number)[] {
  const unsold = Math.max(0, sale.stock - sold);
  const restocked = Math.min(unsold, backOfSale);
  return Object.entries({
    ...{ number: sale.id, version: sale.version, secret: sale.secret, life: newLife() },
    ...{ stock: sale.stock, nth, sold, remaining: unsold - restocked, restocked, returned: back },
    ...{ limit: sale.perUserLimit, entry: sale.entry, rate: sale.admitPerSecond ?? '' },
    ...{ startsMs: sale.startsAt?.getTime() ?? '', endsMs: sale.endsAt?.getTime() ?? '' },
    ...{ isPaused: sale.isPaused ? 1 : 0, hasEnded: sale.hasEnded ? 1 : 0 },
  }).flat();
}
