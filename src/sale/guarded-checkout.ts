import { rebuildingError } from './rebuilding-error.ts';
import type { SaleGuard } from './sale-guard.ts';
import type { Till } from './checkout.ts';

/** A till that does not take a store that has forgotten its sales for one in which they have ended. */
export function guardedTill(till: Till, guard: SaleGuard): Till {
  return {
    async buy(productId, buyers) {
      const outcomes = await till.buy(productId, buyers);
      if (outcomes.some(({ kind }) => kind === 'SALE_UNKNOWN') && guard.hasSale(productId))
        throw rebuildingError();
      return outcomes;
    },

    async look(productId, knows) {
      const look = await till.look(productId, knows);
      if (!look && guard.hasSale(productId)) throw rebuildingError();
      return look;
    },

    async giveTicket(productId, holder) {
      const outcome = await till.giveTicket(productId, holder);
      if (outcome.kind === 'SALE_UNKNOWN' && guard.hasSale(productId)) throw rebuildingError();
      return outcome;
    },

    listProducts: () => till.listProducts(),
    findSecret: (productId, number) => till.findSecret(productId, number),
  };
}
