import { postgresOrders } from '../../src/adapters/postgres/orders.ts';
import { postgresProducts } from '../../src/adapters/postgres/products.ts';
import { postgresWorkerLeases } from '../../src/adapters/postgres/worker-leases.ts';
import { composeCreation } from '../../src/app/components.ts';
import type { CreateInstances } from '../../src/core/instance/create-instances.ts';
import { InstanceIds } from '../../src/core/instance/instance-id.ts';
import type {
  InstanceId,
  ProductId,
  Purchase,
  Source,
  SourceId,
  UserId,
} from '../../src/core/instance/purchase.ts';
import { decodeBatch, type Message } from '../../src/core/outbox/outbox-batch.ts';
import type { InstanceResult } from '../../src/core/results/result.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createActor } from './actors.ts';

/** createInstances on a real database, composed as in the program (app/components.ts). */
export function createCreation(database: Database): { createInstances: CreateInstances } {
  return { createInstances: composeCreation(database, new InstanceIds(postgresWorkerLeases(database))) };
}

export async function createProduct(database: Database, id = 1001n): Promise<void> {
  await postgresProducts(database).createProduct(
    {
      id: id as ProductId,
      name: 'GPU Small',
      cpus: 4,
      memoryMb: 16384,
      gpu: 1,
      image: 'ubuntu-22.04-cuda',
      priceCents: 19900n,
      enabled: true,
    },
    createActor(),
  );
}

let count = 0;

/** A unique purchase, except for the given properties. */
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

/** Creates an instance for each purchase. @returns their ids, in order */
export async function createAll(database: Database, purchases: readonly Purchase[]): Promise<InstanceId[]> {
  const outcomes = await createCreation(database).createInstances(purchases);
  return outcomes.map((outcome) => {
    if (outcome.kind !== 'created') throw new Error(`not created: ${JSON.stringify(outcome.kind)}`);
    return outcome.instance.instanceId;
  });
}

/** A pending order created by Weir, and its payment as a purchase. */
export async function createPaidOrder(database: Database, id: string, userId = 7n): Promise<Purchase> {
  await postgresOrders(database).createOrder({
    id: id as SourceId,
    productId: 1001n as ProductId,
    userId: userId as UserId,
    amountCents: 19900n,
    idempotencyKey: undefined,
  });
  return createPurchase({ source: 'ORDER', sourceId: id, userId });
}

export function success(instanceId: InstanceId): InstanceResult {
  return { instanceId, status: 'SUCCESS', reason: '', answeredAt: new Date() };
}

export function failure(instanceId: InstanceId, reason = 'no capacity'): InstanceResult {
  return { instanceId, status: 'FAILED', reason, answeredAt: new Date() };
}

/** The waiting messages in the outbox, with their kinds. */
export async function readWaiting(database: Database): Promise<(Message & { kind: string })[]> {
  const batches = await database.query<{ kind: string; batch: Buffer }>(
    'SELECT kind, batch FROM outbox ORDER BY id',
  );
  return batches.flatMap(({ kind, batch }) =>
    decodeBatch(Buffer.from(batch)).map((message) => ({ ...message, kind })),
  );
}
