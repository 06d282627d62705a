import type { Redis } from 'ioredis';
import { streamPrefix } from '../../core/triggers/seckill-key.ts';
import { shortenKey } from '../../lib/shorten-key.ts';
import type { SaleFigure } from '../../ops/audit/audit-figures.ts';
import type { SoldUnit, StreamReading, StreamReadings } from '../../ops/audit/stream-reading.ts';
import { toStoreUnavailable } from './ask-sale.ts';
import { answerDeadlineMs, withDeadline } from './connect.ts';
import { refusesEverything } from './refuses-everything.ts';
import { saleKeys, saleStreams } from './sale-keys.ts';
import { readStreamFigures } from './scripts.ts';

const group = 'weir';

type Reply = [added: number, lastDelivered: string, lag: number, lastGenerated: string, pending: string[]];

/** For the audit: scans all keys, a thousand at a time, and reads each seckill stream and its sale. */
export function redisStreamReadings(redis: Redis, { isInCluster = false } = {}): StreamReadings {
  return {
    async read() {
      try {
        const streams: StreamReading[] = [];
        const sales: SaleFigure[] = [];
        const present = new Set(await listStreams(redis));
        const sold = isInCluster ? await listSales(redis) : await readSaleStreams(redis);
        for (const stream of new Set([...present, ...sold])) {
          // The sale first: whatever it had sold by then is on the stream when that is read.
          const sale = await unlessRefused(readSale(redis, stream));
          if (sale) sales.push(sale);
          const reading = present.has(stream) ? await unlessRefused(readStream(redis, stream)) : undefined;
          if (reading) streams.push({ ...reading, stream: shortenKey(stream) });
        }
        return { streams, sales };
      } catch (error) {
        throw toStoreUnavailable(error);
      }
    },

    async *listUnits(stream, number) {
      let cursor = '0';
      do {
        const reply = redis.hscan(saleKeys(stream).units, cursor, 'COUNT', 1000);
        const [next, flat] = await withDeadline(redis, answerDeadlineMs, reply);
        yield readUnits(flat, number);
        cursor = next;
      } while (cursor !== '0');
    },
  };
}

/**
 * A key that was deleted, is of another type or has a name that is not UTF-8 is no stream that Weir reads;
 * the others are still read.
 */
async function unlessRefused<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (refusesEverything(error)) throw error;
    return undefined;
  }
}

/** A unit is `<sale number>:<buyer>:<entry number>`, with a minus in front when it was restocked. */
function readUnits(flat: readonly string[], number: number): SoldUnit[] {
  const units: SoldUnit[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [sale, userId = ''] = (flat[i + 1] as string).replace(/^-/, '').split(':');
    if (sale === String(number)) units.push({ entryId: flat[i] as string, userId });
  }
  return units;
}

function readSaleStreams(redis: Redis): Promise<string[]> {
  return withDeadline(redis, answerDeadlineMs, redis.smembers(saleStreams));
}

/** By the keys of their counters, as a node of a cluster has no list of them. */
export async function listSales(redis: Redis): Promise<string[]> {
  const keys = await listKeys(redis, `{${streamPrefix}*}:sale`, 'hash');
  return keys.map((key) => key.slice(1, key.lastIndexOf('}')));
}

export function listStreams(redis: Redis): Promise<string[]> {
  return listKeys(redis, `${streamPrefix}*`, 'stream');
}

async function listKeys(redis: Redis, pattern: string, type: string): Promise<string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const reply = redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1000, 'TYPE', type);
    const [next, keys] = await withDeadline(redis, answerDeadlineMs, reply);
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...found].sort();
}

async function readStream(redis: Redis, stream: string): Promise<StreamReading> {
  const reply = redis.eval(readStreamFigures, 1, stream, group) as Promise<Reply>;
  const [added, lastDelivered, lag, lastGenerated, pending] = await withDeadline(
    redis,
    answerDeadlineMs,
    reply,
  );
  // Redis before 7 does not count added entries, so nothing can be compared.
  if (added < 0) return { stream, added: undefined, lastDelivered, undelivered: 0, pending: [] };
  const undelivered = lag < 0 ? await countBetween(redis, stream, lastDelivered, lastGenerated) : lag;
  return { stream, added, lastDelivered, undelivered, pending };
}

/**
 * Redis does not know its lag after an XDEL. Counted page by page: a script would block every other client.
 */
async function countBetween(redis: Redis, stream: string, after: string, last: string): Promise<number> {
  let count = 0;
  for (let from = after; ; ) {
    const page = await withDeadline(
      redis,
      answerDeadlineMs,
      redis.xrange(stream, `(${from}`, last, 'COUNT', entriesPerPage),
    );
    count += page.length;
    const lastOfPage = page.at(-1)?.[0];
    if (page.length < entriesPerPage || lastOfPage === undefined) return count;
    from = lastOfPage;
  }
}

const entriesPerPage = 1_000;

async function readSale(redis: Redis, stream: string): Promise<SaleFigure | undefined> {
  const reply = redis.hmget(
    saleKeys(stream).sale,
    'stock',
    'sold',
    'remaining',
    'restocked',
    'returned',
    'number',
    'nth',
  );
  const [stock, ...counters] = await withDeadline(redis, answerDeadlineMs, reply);
  if (stock == null) return undefined;
  const [sold = 0, remaining = 0, restocked = 0, returned = 0, number = 0, nth = 0] = counters.map(Number);
  return { stream, stock: Number(stock), sold, remaining, restocked, returned, number, nth };
}
