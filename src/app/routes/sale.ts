import { BuyerLimits } from '../../adapters/http/plugins/buyer-limits.ts';
import type { HttpRoutes } from '../../adapters/http/server.ts';
import { postgresRestocks } from '../../adapters/postgres/compensations.ts';
import { postgresProducts } from '../../adapters/postgres/products.ts';
import { postgresProgress } from '../../adapters/postgres/progress.ts';
import type { Config } from '../../config/config.ts';
import { notifyAfter } from '../../lib/signal.ts';
import { Admission } from '../../sale/admission.ts';
import { PurchaseStatus } from '../../sale/purchase-status.ts';
import type { Components } from '../components.ts';

export type SaleParts = Pick<Components, 'config' | 'database' | 'streams' | 'committed'>;

/** `stopping`: ends the requests of buyers who wait. */
export function createSaleRoutes(
  { config: { sale }, database, streams, committed }: SaleParts,
  stopping: AbortSignal,
): Pick<HttpRoutes, 'sales' | 'tickets' | 'buyers'> {
  const { findProducts } = postgresProducts(database.reads);
  const { requeueRestock } = postgresRestocks(database);
  const admission = new Admission(streams.checkout, { maxWaiting: sale.maxWaiting, maxBatch: 100 });
  return {
    sales: {
      sales: streams.sales,
      products: { findProducts },
      requeueRestock: notifyAfter(committed)(requeueRestock),
    },
    tickets: { admission },
    buyers: {
      admission,
      maxLoopDelayMs: sale.maxLoopDelayMs,
      // Separate limits, so that status requests take no tokens from buying.
      ...{ buyLimits: createLimits(sale), readLimits: createLimits(sale) },
      purchases: new PurchaseStatus({
        rows: postgresProgress(database),
        places: streams.places,
        signal: stopping,
      }),
    },
  };
}

/** Burst, as a multiple of the requests per second. */
const burstFactor = 5;

function createLimits({ userPerSecond, addressPerSecond }: Config['sale']): BuyerLimits {
  return new BuyerLimits(
    { perSecond: userPerSecond, burst: userPerSecond * burstFactor },
    { perSecond: addressPerSecond, burst: addressPerSecond * burstFactor },
  );
}
