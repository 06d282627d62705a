import type { Redis } from 'ioredis';
import type { SaleFigure } from '../audit/audit.ts';
import type { StreamReading, StreamReadings } from '../audit/stream-reading.ts';
import { WeirError } from '../errors.ts';
import { streamPrefix } from '../triggers/seckill-stream.ts';
import { withDeadline } from './connect.ts';
import { saleKeys } from './sale-counters.ts';
import { readStreamFigures } from './scripts.ts';

const group = 'weir';
const answerDeadlineMs = 10_000;

type Reply = [added: number, lastDelivered: string, undelivered: number, pending: string[]];

/** For the audit: goes through all keys, a thousand at a time, and asks each seckill stream. */
export function redisStreamReadings(redis: Redis): StreamReadings {
  return {
    inSameDatabase: false,
    readStreams: () =>
      orStoreAway(async () => {
        const readings: StreamReading[] = [];
        for (const stream of await listStreams(redis)) readings.push(await readStream(redis, stream));
        return readings;
      }),
    readSales: () =>
      orStoreAway(async () => {
        const sales: SaleFigure[] = [];
        for (const stream of await listStreams(redis)) {
          const sale = await readSale(redis, stream);
          if (sale) sales.push(sale);
        }
        return sales;
      }),
  };
}

async function listStreams(redis: Redis): Promise<string[]> {
  const streams = new Set<string>();
  let cursor = '0';
  do {
    const reply = redis.scan(cursor, 'MATCH', `${streamPrefix}*`, 'COUNT', 1000, 'TYPE', 'stream');
    const [next, keys] = await withDeadline(redis, answerDeadlineMs, reply);
    for (const key of keys) streams.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...streams].sort();
}

async function readStream(redis: Redis, stream: string): Promise<StreamReading> {
  const reply = redis.eval(readStreamFigures, 1, stream, group) as Promise<Reply>;
  const [added, lastDelivered, undelivered, pending] = await withDeadline(redis, answerDeadlineMs, reply);
  return { stream, added: added < 0 ? undefined : added, lastDelivered, undelivered, pending };
}

async function readSale(redis: Redis, stream: string): Promise<SaleFigure | undefined> {
  const reply = redis.hmget(saleKeys(stream).sale, 'stock', 'sold', 'left', 'givenBack');
  const [stock, sold, left, givenBack] = await withDeadline(redis, answerDeadlineMs, reply);
  if (stock == null) return undefined;
  return {
    stream,
    stock: Number(stock),
    sold: Number(sold),
    left: Number(left),
    givenBack: Number(givenBack),
  };
}

async function orStoreAway<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new WeirError('STORE_AWAY', 'Redis does not answer', { cause: error });
  }
}
