import { InstanceCreation } from '../../src/instance/create-instances.ts';
import { InstanceIds } from '../../src/instance/instance-id.ts';
import { ProductCache } from '../../src/instance/product.ts';
import type { ProductId, Purchase, Source, SourceId, UserId } from '../../src/instance/purchase.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Database } from '../../src/lib/sql.ts';
import { postgresInstanceLogs } from '../../src/postgres/instance-logs.ts';
import { PostgresProducts } from '../../src/postgres/products.ts';
import { isTransientDatabaseError } from '../../src/postgres/transient.ts';
import { postgresWorkerLeases } from '../../src/postgres/worker-leases.ts';

/** createInstances on a real database, put together as app.ts does it. */
export function createCreation(database: Database): InstanceCreation {
  return new InstanceCreation({
    products: new ProductCache(new PostgresProducts(database)),
    ids: new InstanceIds(postgresWorkerLeases(database)),
    instanceLogs: postgresInstanceLogs(database),
    clock: systemClock,
    isTransient: isTransientDatabaseError,
    onCreated() {},
  });
}

export async function createProduct(database: Database, id = 1001n): Promise<void> {
  await new PostgresProducts(database).createProduct({
    id: id as ProductId,
    name: 'GPU Small',
    cpus: 4,
    memoryMb: 16384,
    gpu: 1,
    image: 'ubuntu-22.04-cuda',
    priceCents: 19900n,
    enabled: true,
  });
}

let count = 0;

/** A purchase like no other, but for what is given. */
export function createPurchase(given: {
  source?: string;
  scope?: string;
  sourceId?: string;
  productId?: bigint;
  userId?: bigint;
}): Purchase {
  count++;
  return {
    source: (given.source ?? 'ACTIVITY') as Source,
    scope: given.scope ?? '',
    sourceId: (given.sourceId ?? `ACT${count}`) as SourceId,
    productId: (given.productId ?? 1001n) as ProductId,
    userId: (given.userId ?? BigInt(count)) as UserId,
  };
}
