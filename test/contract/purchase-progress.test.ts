import { describe, expect, test } from 'vitest';
import { embeddedCheckout } from '../../src/adapters/embedded/checkout.ts';
import { embeddedSaleStore } from '../../src/adapters/embedded/sale-store.ts';
import { addEntries, EmbeddedSeckillStreams } from '../../src/adapters/embedded/seckill-streams.ts';
import { embeddedStreamPositions } from '../../src/adapters/embedded/stream-positions.ts';
import { recordActivity } from '../../src/adapters/postgres/activity.ts';
import { RedisSeckillStreams } from '../../src/adapters/redis/seckill-streams.ts';
import { redisStreamPositions } from '../../src/adapters/redis/stream-positions.ts';
import type { ProductId, SourceId, UserId } from '../../src/core/instance/purchase.ts';
import type { Database } from '../../src/lib/sql.ts';
import type { Checkout } from '../../src/sale/checkout.ts';
import { estimatePosition, StreamPace, type StreamPositions } from '../../src/sale/purchase-progress.ts';
import type { SaleStore } from '../../src/sale/sale.ts';
import { createActor } from '../support/actors.ts';
import { openRedisSales } from '../support/sales.ts';
import {
  connectTestRedis,
  createRedisDatabase,
  openTestPglite,
  openTestPostgres,
} from '../support/stores.ts';

const product = 1001n as ProductId;
const stream = 'stream:seckill:1001';

interface Store {
  sales: SaleStore;
  checkout: Checkout;
  places: StreamPositions;
  addForeign(): Promise<unknown>;
  /** Delivers that many entries. */
  deliver(count: number): Promise<void>;
}

function openEmbedded(database: Database, isOnlyConsumer: boolean): Store {
  const streams = new EmbeddedSeckillStreams(database, { isOnlyConsumer });
  return {
    sales: embeddedSaleStore(database, recordActivity),
    checkout: embeddedCheckout(database, addEntries, streams.onAdded),
    places: embeddedStreamPositions(database, { isOnlyConsumer }),
    addForeign: () => streams.add(stream, [['uid', '9', 'ts', '1']]),
    deliver: async (count) => void (await streams.read(count, 10)),
  };
}

const stores: Record<string, () => Promise<Store>> = {
  async Redis() {
    const url = await createRedisDatabase();
    const redis = connectTestRedis(url);
    const streams = new RedisSeckillStreams(redis, connectTestRedis(url));
    return {
      ...(await openRedisSales(redis)),
      places: redisStreamPositions(redis),
      addForeign: () => redis.xadd(stream, '*', 'uid', '9', 'ts', '1'),
      async deliver(count) {
        await streams.discover();
        await streams.read(count, 10);
      },
    };
  },
  'PGlite tables': async () => openEmbedded(await openTestPglite(), true),
  'PostgreSQL tables': async () => openEmbedded(await openTestPostgres(), false),
};

describe.each(Object.keys(stores))('places in %s', (name) => {
  test('the place counts entries that were not handed out, those of others as well', async () => {
    const { sales, checkout, places, addForeign, deliver } = await (stores[name] as () => Promise<Store>)();
    await addForeign();
    await sales.open(
      {
        ...{ productId: product, stock: 9, perUserLimit: 1, startsAt: undefined, endsAt: undefined },
        ...{ entry: 'open', admitPerSecond: undefined },
      },
      createActor(),
    );
    const buyers = [11, 12, 13, 14].map((user) => ({
      ...{ userId: BigInt(user) as UserId, idempotencyKey: undefined, ticket: undefined },
    }));
    const outcomes = [
      ...(await checkout.buy(product, buyers.slice(0, 2))),
      ...(await checkout.buy(product, buyers.slice(2))),
    ];
    const ids = outcomes.map((outcome) => ('streamId' in outcome ? outcome.streamId : ('' as SourceId)));
    const readPlaces = async () => {
      const { entries, ...placement } = await places.locate(stream, [...ids, '1-1' as SourceId]);
      return entries.map(
        (entry) => entry && estimatePosition(placement, entry.nth, Date.now(), new StreamPace()).place,
      );
    };
    expect(await readPlaces()).toEqual([1, 2, 3, 4, undefined]);
    await deliver(2);
    expect(await readPlaces()).toEqual([0, 0, 1, 2, undefined]);
    await deliver(9);
    expect(await readPlaces()).toEqual([0, 0, 0, 0, undefined]);
    expect((await places.locate('stream:seckill:5', ['1-1' as SourceId])).entries).toEqual([undefined]);
  });
});

describe('the estimate', () => {
  const placement = { delivered: 100, lastDeliveredMs: 10_000 };

  test('the estimate follows the observed pace', () => {
    const pace = new StreamPace();
    pace.note(0, 50);
    pace.note(1_000, 100);
    expect(estimatePosition(placement, 151, 10_500, pace)).toEqual({ place: 50, estimateMs: 1_020 });
  });

  test('the estimate before any progress is the distance to the last handed-out entry', () => {
    const pace = new StreamPace();
    pace.note(0, 100);
    pace.note(1_000, 100);
    expect(estimatePosition(placement, 151, 10_500, pace)).toEqual({ place: 50, estimateMs: 500 });
    expect(estimatePosition({ delivered: 0, lastDeliveredMs: 0 }, 1, 10_500, pace)).toEqual({
      place: 0,
      estimateMs: undefined,
    });
  });

  test('the estimate forgets old measurements', () => {
    const pace = new StreamPace();
    pace.note(0, 0);
    pace.note(10_000, 100);
    expect(pace.perMs).toBeUndefined();
    pace.note(11_000, 110);
    expect(pace.perMs).toBeCloseTo(0.01);
  });

  test('the estimate is zero for a handed-out entry and unknown where nothing is counted', () => {
    expect(estimatePosition(placement, 100, 9_000, new StreamPace())).toEqual({ place: 0, estimateMs: 0 });
    const uncounted = { delivered: undefined, lastDeliveredMs: 10_000 };
    expect(estimatePosition(uncounted, undefined, 10_500, new StreamPace())).toEqual({
      place: undefined,
      estimateMs: 500,
    });
    expect(estimatePosition(uncounted, undefined, 9_000, new StreamPace())).toEqual({
      place: 0,
      estimateMs: 0,
    });
  });
});
