import type { ProductId } from '../core/instance/purchase.ts';
import { WeirError } from '../errors.ts';
import { ConcurrencyLimit } from '../lib/concurrency-limit.ts';
import { gather } from '../lib/gather.ts';
import { LruMap } from '../lib/lru-map.ts';
import type { Checkout } from './checkout.ts';

interface EarlierSale {
  productId: ProductId;
  number: number;
}

const maxKept = 10_000;
const maxWaiting = 100;

/**
 * What the tickets of earlier sales are signed with: their holders still get the entry that they bought. Anybody can write
 * a ticket with any number on it, so the store is asked for one number at a time, and numbers that it does not have are
 * remembered apart from those that it has.
 */
export class EarlierSecrets {
  readonly #found = new LruMap<string, string>(maxKept);
  /** A number below that of the present sale never comes into being later. */
  readonly #missing = new LruMap<string, true>(maxKept);
  readonly #waiting = new ConcurrencyLimit(
    maxWaiting,
    (count) => new WeirError('OVERLOADED', `${count} tickets of earlier sales are being looked up`),
  );
  readonly #ask: (sale: EarlierSale) => Promise<string | undefined>;

  constructor(checkout: Pick<Checkout, 'findSecret'>) {
    this.#ask = gather(
      ([sale]: EarlierSale[]) => Promise.all(sale ? [checkout.findSecret(sale.productId, sale.number)] : []),
      { maxItems: 1, maxInFlight: 1 },
    );
  }

  /** @returns undefined when there was no such sale. @throws WeirError OVERLOADED, STORE_UNAVAILABLE */
  async find(productId: ProductId, number: number): Promise<string | undefined> {
    const name = `${productId}.${number}`;
    const known = this.#found.get(name);
    if (known !== undefined || this.#missing.get(name)) return known;
    const secret = await this.#waiting.run(() => this.#ask({ productId, number }));
    if (secret === undefined) this.#missing.set(name, true);
    else this.#found.set(name, secret);
    return secret;
  }
}
