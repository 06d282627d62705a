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

    async readSale(productId, knows) {
      const snapshot = await checkout.readSale(productId, knows);
      if (!snapshot && guard.hasSale(productId)) throw rebuildingError();
      return snapshot;
    },

    async issueTicket(productId, holder) {
      const outcome = await checkout.issueTicket(productId, holder);
      if (outcome.kind === 'SALE_NOT_FOUND' && guard.hasSale(productId)) throw rebuildingError();
      return outcome;
    },

    listProducts: () => checkout.listProducts(),
    findSecret: (productId, number) => checkout.findSecret(productId, number),
  };
}
