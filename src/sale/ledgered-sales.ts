import type { LedgerSale, SaleLedger } from './ledger.ts';
import type { LiveSales } from './live-sales.ts';
import { rebuildingError } from './rebuilding-error.ts';
import { type Sale, type SaleStore, toSale } from './sale.ts';

/** Sales with terms in the database and counters in another store; the terms are committed first. */
export function ledgeredSales(ledger: SaleLedger, live: LiveSales): SaleStore {
  return {
    async open(terms, actor) {
      const opening = await ledger.open(terms, actor);
      if ('sale' in opening) {
        await live.open(opening.sale);
        await live.apply(opening.sale);
      }
      return opening.outcome;
    },

    async find(productId) {
      const sale = await ledger.find(productId);
      if (!sale) return undefined;
      const [found] = await live.read([sale.stream]);
      if (!found || found.number !== sale.id || found.isRebuilding) throw rebuildingError();
      return toSale(productId, found.sale, found.nowMs);
    },

    async list(limit, after) {
      const sales = await ledger.list(limit, after);
      const streams = sales.map(({ stream }) => stream);
      const found = await (live.readReachable ?? live.read)(streams);
      return sales.map((sale, i) => {
        const counters = found[i];
        return counters?.number === sale.id && !counters.isRebuilding
          ? toSale(sale.productId, counters.sale, counters.nowMs)
          : withoutCounters(sale);
      });
    },

    async change(productId, change, actor) {
      const sale = await ledger.change(productId, change, actor);
      if (sale === undefined || sale === 'ended') return sale;
      await live.apply(sale);
      return 'changed';
    },
  };
}

/**
 * Nothing is sold during a rebuild or by a node that is down, so the sale is shown as paused, with the units that the database has
 * recorded as sold.
 */
function withoutCounters({
  id: _,
  stream: __,
  secret: ___,
  version: ____,
  lastNth,
  ...sale
}: LedgerSale): Sale {
  const sold = Math.min(lastNth, sale.stock);
  const counters = { sold, remaining: sale.stock - sold, restocked: 0, tickets: 0 };
  return toSale(sale.productId, { ...sale, ...counters, isPaused: true }, Date.now());
}
