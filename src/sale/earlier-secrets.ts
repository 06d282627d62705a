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
 * Caches the signing keys of earlier sales, whose ticket holders can still get the entry they bought. A
 * forged ticket can carry any number, so the store is queried for one number at a time, and missing numbers
 * are cached apart from existing ones.
 */
export class EarlierSecrets {
  readonly #found = new LruMap<string, string>(maxKept);
  /** A number below the present sale's can never come into existence later. */
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

  /**
   * @returns undefined when no such sale existed
   * @throws WeirError OVERLOADED, STORE_UNAVAILABLE
   */
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
