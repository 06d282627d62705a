import type { Actor } from '../../core/actor.ts';
import type { Product } from '../../core/instance/product.ts';
import type { ProductId } from '../../core/instance/purchase.ts';
import { WeirError } from '../../errors.ts';
import { type Database, numberArray, type Sql } from '../../lib/sql.ts';
import { recordActivity } from './activity.ts';

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

type NewProduct = Omit<Product, 'version'>;

const columns = 'id::text, name, cpus, memory_mb, gpu, image, price_cents::text, enabled, version';

export function postgresProducts(database: Database) {
  async function findProducts(ids: readonly ProductId[]): Promise<Product[]> {
    const rows = await database.query<ProductRow>(
      `SELECT ${columns} FROM products WHERE id = ANY ($1::bigint[])`,
      [numberArray(ids)],
    );
    return rows.map(toProduct);
  }

  /** In order of id, above `after`. */
  async function listProducts(limit: number, after: bigint): Promise<Product[]> {
    const rows = await database.query<ProductRow>(
      `SELECT ${columns} FROM products WHERE id > $2 ORDER BY id LIMIT $1`,
      [limit, after.toString()],
    );
    return rows.map(toProduct);
  }

  /**
   * `actor`: undefined for products that Weir loads itself.
   *
   * @returns whether this call created it; false: it exists with the same properties
   * @throws WeirError PRODUCT_CONFLICT when it exists with other properties
   */
  async function createProduct(
    product: NewProduct,
    actor: Actor | undefined,
  ): Promise<{ created: boolean; product: Product }> {
    const inserted = await database.transaction((sql) => insertProduct(sql, product, actor));
    if (inserted) return { created: true, product: inserted };
    const [existing] = await findProducts([product.id]);
    if (!existing || !isSame(existing, product)) {
      throw new WeirError('PRODUCT_CONFLICT', `product ${product.id} exists with other properties`);
    }
    return { created: false, product: existing };
  }

  /**
   * No process is notified: a batch based on the previous version inserts nothing, and its caller reads the
   * product again.
   *
   * @returns undefined when there is no such product; without a change the version stays the same
   */
  async function switchProduct(id: ProductId, enabled: boolean, actor: Actor): Promise<Product | undefined> {
    const changed = await database.transaction(async (sql) => {
      const [row] = await sql.query<ProductRow>(
        `UPDATE products SET enabled = $2 WHERE id = $1 AND enabled <> $2 RETURNING ${columns}`,
        [id.toString(), enabled],
      );
      if (!row) return undefined;
      await recordActivity(sql, actor, {
        action: enabled ? 'PRODUCT_ENABLED' : 'PRODUCT_DISABLED',
        subjectId: row.id,
        before: { enabled: !enabled },
        after: { enabled },
      });
      return row;
    });
    return changed ? toProduct(changed) : (await findProducts([id]))[0];
  }

  return { findProducts, listProducts, createProduct, switchProduct };
}

async function insertProduct(
  sql: Sql,
  product: NewProduct,
  actor: Actor | undefined,
): Promise<Product | undefined> {
  const { id, name, cpus, memoryMb, gpu, image, priceCents, enabled } = product;
  const [row] = await sql.query<ProductRow>(
    `INSERT INTO products (id, name, cpus, memory_mb, gpu, image, price_cents, enabled)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING RETURNING ${columns}`,
    [id.toString(), name, cpus, memoryMb, gpu, image, priceCents.toString(), enabled],
  );
  if (!row) return undefined;
  if (actor) {
    const after = { name, cpus, memoryMb, gpu, image, priceCents, enabled };
    await recordActivity(sql, actor, { action: 'PRODUCT_CREATED', subjectId: row.id, after });
  }
  return toProduct(row);
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
