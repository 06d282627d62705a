import type { ProductId } from './purchase.ts';

export interface Product {
  id: ProductId;
  name: string;
  cpus: number;
  memoryMb: number;
  gpu: number;
  image: string;
  priceCents: bigint;
  enabled: boolean;
  /** Grows with every change; the commit checks that it is the one the event was made from. */
  version: number;
}

export interface ProductRows {
  findProducts(ids: readonly ProductId[]): Promise<Product[]>;
}

/**
 * Products by id, remembered until `forget`. Nothing else keeps it fresh and nothing need: a commit that meets
 * another version inserts nothing for that product, and the caller forgets it and tries again.
 * Unknown and disabled products are not remembered, so creating or enabling one takes effect at once.
 */
export class ProductCache {
  readonly #rows: ProductRows;
  readonly #known = new Map<ProductId, Product>();

  constructor(rows: ProductRows) {
    this.#rows = rows;
  }

  async find(ids: Iterable<ProductId>): Promise<Map<ProductId, Product>> {
    const found = new Map<ProductId, Product>();
    const missing: ProductId[] = [];
    for (const id of new Set(ids)) {
      const product = this.#known.get(id);
      if (product) found.set(id, product);
      else missing.push(id);
    }
    if (missing.length > 0) {
      for (const product of await this.#rows.findProducts(missing)) {
        found.set(product.id, product);
        if (product.enabled) this.#known.set(product.id, product);
      }
    }
    return found;
  }

  forget(id: ProductId): void {
    this.#known.delete(id);
  }
}
