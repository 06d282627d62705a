import type { Product } from '../../core/instance/product.ts';
import type { ProductId } from '../../core/instance/purchase.ts';
import { WeirError } from '../../errors.ts';
import { numberArray, type Sql } from '../../lib/sql.ts';

interface ProductRow {
  id: string;
  name: string;
  cpus: number;
  memory_mb: number;
  gpu: number;
  image: string;
  price_cents: string;
  enabled: boolean;
  version: number;
}

export type NewProduct = Omit<Product, 'version'>;

const columns = 'id::text, name, cpus, memory_mb, gpu, image, price_cents::text, enabled, version';

export function postgresProducts(sql: Sql) {
  async function findProducts(ids: readonly ProductId[]): Promise<Product[]> {
    const rows = await sql.query<ProductRow>(
      `SELECT ${columns} FROM products WHERE id = ANY ($1::bigint[])`,
      [numberArray(ids)],
    );
    return rows.map(toProduct);
  }

  /** In order of id, above `after`. */
  async function listProducts(limit: number, after: bigint): Promise<Product[]> {
    const rows = await sql.query<ProductRow>(
      `SELECT ${columns} FROM products WHERE id > $2 ORDER BY id LIMIT $1`,
      [limit, after.toString()],
    );
    return rows.map(toProduct);
  }

  /**
   * @returns whether this call created it; false: it was there with the same properties
   * @throws WeirError PRODUCT_CONFLICT when it exists with others
   */
  async function createProduct(product: NewProduct): Promise<{ created: boolean; product: Product }> {
    const inserted = await sql.query<ProductRow>(
      `INSERT INTO products (id, name, cpus, memory_mb, gpu, image, price_cents, enabled)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING RETURNING ${columns}`,
      [
        product.id.toString(),
        product.name,
        product.cpus,
        product.memoryMb,
        product.gpu,
        product.image,
        product.priceCents.toString(),
        product.enabled,
      ],
    );
    if (inserted[0]) return { created: true, product: toProduct(inserted[0]) };
    const [existing] = await findProducts([product.id]);
    if (!existing || !isSame(existing, product)) {
      throw new WeirError('PRODUCT_CONFLICT', `product ${product.id} exists with other properties`);
    }
    return { created: false, product: existing };
  }

  /**
   * No process is notified: a commit made from the version before inserts nothing, and its caller reads again.
   *
   * @returns undefined when there is no such product; one that stood so already keeps its version
   */
  async function switchProduct(id: ProductId, enabled: boolean): Promise<Product | undefined> {
    const [changed] = await sql.query<ProductRow>(
      `UPDATE products SET enabled = $2 WHERE id = $1 AND enabled <> $2 RETURNING ${columns}`,
      [id.toString(), enabled],
    );
    return changed ? toProduct(changed) : (await findProducts([id]))[0];
  }

  return { findProducts, listProducts, createProduct, switchProduct };
}

function isSame(existing: Product, product: NewProduct): boolean {
  const { version: _, ...rest } = existing;
  return Object.entries(rest).every(([name, value]) => product[name as keyof NewProduct] === value);
}

function toProduct(row: ProductRow): Product {
  return {
    id: BigInt(row.id) as ProductId,
    name: row.name,
    cpus: row.cpus,
    memoryMb: row.memory_mb,
    gpu: row.gpu,
    image: row.image,
    priceCents: BigInt(row.price_cents),
    enabled: row.enabled,
    version: row.version,
  };
}
