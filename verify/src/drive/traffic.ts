import { type Operation, type Way, ways } from '../history/operation.ts';
import type { Plan } from './plan.ts';
import type { Shop } from './shop.ts';

/** Makes the purchases one after the other, each way as often as the mix says. */
export class Traffic {
  readonly #shop: Shop;
  readonly #buyers: number;
  readonly #order: Way[];
  readonly #made = Object.fromEntries(ways.map((way) => [way, 0])) as Record<Way, number>;
  #number = 0;

  constructor(shop: Shop, { mix, buyers }: Pick<Plan, 'mix' | 'buyers'>) {
    this.#shop = shop;
    this.#buyers = buyers;
    this.#order = ways.flatMap((way) => Array<Way>(mix[way]).fill(way));
  }

  next(): Operation {
    const number = this.#number++;
    const way = this.#order[number % this.#order.length] as Way;
    const ordinal = this.#made[way]++;
    const { id, plain, onSale, firstUser } = this.#shop;
    const key = `verify-${id}-${number}`;
    const isMadeHere = way === 'order' && ordinal % 2 === 0;
    // A user buys one thing alone, so that its event identifies it; only buyers of the sale come again.
    const user = way === 'buy' ? ordinal % this.#buyers : this.#buyers + number;
    return {
      ...{ number, way, ordinal, key, isMadeHere, startedAtMs: Date.now(), attempts: [] },
      productId: (way === 'buy' ? onSale : plain).id,
      userId: (firstUser + BigInt(user)).toString(),
      orderId: way === 'order' && !isMadeHere ? key : undefined,
    };
  }
}
