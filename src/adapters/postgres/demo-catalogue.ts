import type { Actor } from '../../core/actor.ts';
import type { ProductId, SourceId, UserId } from '../../core/instance/purchase.ts';
import type { Database } from '../../lib/sql.ts';
import { postgresOrders } from './orders.ts';
import { postgresProducts } from './products.ts';

const image = 'ubuntu-22.04';

const products = [
  {
    id: 1001n,
    name: 'GPU Small',
    cpus: 4,
    memoryMb: 16_384,
    gpu: 1,
    image: 'ubuntu-22.04-cuda',
    priceCents: 19_900n,
  },
  { id: 1002n, name: 'Standard 2', cpus: 2, memoryMb: 4_096, gpu: 0, image, priceCents: 2_900n },
  { id: 1003n, name: 'Memory 8', cpus: 8, memoryMb: 65_536, gpu: 0, image, priceCents: 15_900n },
] as const;

/**
 * Product 1001 and order 123, which the examples in the documents use, and two more products. Idempotent.
 * `actor`: undefined when Weir loads it at its start.
 */
export async function loadDemoCatalogue(database: Database, actor: Actor | undefined): Promise<void> {
  const productRows = postgresProducts(database);
  for (const product of products) {
    const [existing] = await productRows.findProducts([product.id as ProductId]);
    if (!existing)
      await productRows.createProduct({ ...product, id: product.id as ProductId, enabled: true }, actor);
  }
  const orderRows = postgresOrders(database);
  if (await orderRows.findOrder('123')) return;
  await orderRows.createOrder(
    {
      id: '123' as SourceId,
      productId: 1001n as ProductId,
      userId: 123n as UserId,
      amountCents: 19_900n,
      idempotencyKey: undefined,
    },
    actor,
  );
}
