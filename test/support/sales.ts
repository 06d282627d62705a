import type { Redis } from 'ioredis';
import { postgresSaleLedger } from '../../src/adapters/postgres/sale-ledger.ts';
import { type RedisCheckoutOptions, redisCheckout } from '../../src/adapters/redis/checkout.ts';
import { redisLiveSales } from '../../src/adapters/redis/live-sales.ts';
import type { ProductId } from '../../src/core/instance/purchase.ts';
import type { Database } from '../../src/lib/sql.ts';
import { ledgeredSales } from '../../src/sale/ledgered-sales.ts';
import type { SaleTerms } from '../../src/sale/sale.ts';
import { openTestPostgres } from './stores.ts';

/** Sales in Redis, composed as in app/streams.ts, without the guard. */
export async function openRedisSales(
  redis: Redis,
  database?: Database,
  options: Omit<RedisCheckoutOptions, 'ledger'> = { acknowledge: 'memory' },
) {
  const ledger = postgresSaleLedger(database ?? (await openTestPostgres()));
  const live = redisLiveSales(redis);
  return {
    ...{ ledger, live },
    sales: ledgeredSales(ledger, live),
    checkout: redisCheckout(redis, { ...options, ledger }),
  };
}

/** For a checkout whose sales are in no database. */
export const noLedger: RedisCheckoutOptions['ledger'] = {
  listProducts: async () => [],
  findSecret: async () => undefined,
};

/** An open sale of three units of product 1001, except for the given properties. */
export function saleTerms(part: Partial<SaleTerms> = {}): SaleTerms {
  return {
    productId: 1001n as ProductId,
    stock: 3,
    perUserLimit: 1,
    startsAt: undefined,
    endsAt: undefined,
    entry: 'open',
    admitPerSecond: undefined,
    ...part,
  };
}

/** An open sale in Redis only, for tests of Redis: no database has it. */
export async function openLiveSale(redis: Redis, stock = 500): Promise<void> {
  await redisLiveSales(redis).open({
    ...saleTerms({ stock }),
    ...{ id: 1, stream: 'stream:seckill:1001', secret: 'secret', version: 1, lastNth: 0, seenNth: 0 },
    ...{ isPaused: false, hasEnded: false },
  });
}
