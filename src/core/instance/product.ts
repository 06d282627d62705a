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
  /** Incremented with every change; the commit checks that the event was built from this version. */
  version: number;
}

interface ProductRows {
  findProducts(ids: readonly ProductId[]): Promise<Product[]>;
}

/**
 * Caches products by id until `forget`. A stale product is harmless: the commit inserts nothing when the
 * version differs, and the caller evicts the product and retries. Unknown and disabled products are not
 * cached, so creating or enabling one takes effect immediately.
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
