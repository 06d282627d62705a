import type { Checkout } from './checkout.ts';
import { rebuildingError } from './rebuilding-error.ts';
import type { SaleGuard } from './sale-guard.ts';

/** Prevents a checkout whose store has lost its sales from answering that they have ended. */
export function guardedCheckout(checkout: Checkout, guard: SaleGuard): Checkout {
  return {
    async buy(productId, buyers) {
      const outcomes = await checkout.buy(productId, buyers);
      if (outcomes.some(({ kind }) => kind === 'SALE_NOT_FOUND') && guard.hasSale(productId))
        throw rebuildingError();
      return outcomes;
    },

    async look(productId, knows) {
      const look = await checkout.look(productId, knows);
      if (!look && guard.hasSale(productId)) throw rebuildingError();
      return look;
    },

    async giveTicket(productId, holder) {
      const outcome = await checkout.giveTicket(productId, holder);
      if (outcome.kind === 'SALE_NOT_FOUND' && guard.hasSale(productId)) throw rebuildingError();
      return outcome;
    },

    listProducts: () => checkout.listProducts(),
    findSecret: (productId, number) => checkout.findSecret(productId, number),
  };
}
