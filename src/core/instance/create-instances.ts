import { WeirError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { type EncodeEvent, encodeTimestamp } from './instance-created.ts';
import type { InstanceIds } from './instance-id.ts';
import type { InstanceLog } from './instance-log.ts';
import type { Product, ProductCache } from './product.ts';
import { type InstanceId, type ProductId, type Purchase, purchaseKey } from './purchase.ts';

export type Outcome =
  /** `duplicate` carries the first instance; `conflict` the instance that already has the same identity. */
  | { kind: 'created' | 'duplicate' | 'conflict'; instance: InstanceLog }
  | { kind: 'refused'; error: WeirError };

export type CreateInstances = (purchases: readonly Purchase[]) => Promise<Outcome[]>;

/** `stale`: the product changed after it was read, and nothing was written. */
export type BatchOutcome = Outcome | { kind: 'stale' };

/**
 * A purchase before it becomes an instance. A retry of the batch keeps the id proposed by the first attempt.
 */
export interface Draft {
  readonly purchase: Purchase;
  instanceId: InstanceId | undefined;
}

export interface NewInstance {
  instanceId: InstanceId;
  purchase: Purchase;
  productVersion: number;
  /** The INSTANCE_CREATED event, encoded. */
  event: Buffer;
}

/**
 * `product`: its version has changed. `order`: the order cannot be paid. `unit`: another entry already
 * created an instance of this unit. `key`: the row exists.
 */
export type NotInserted = { instanceId: InstanceId; because: 'product' | 'order' | 'unit' | 'key' };

export interface InstanceLogs {
  /**
   * Inserts the rows and one outbox batch with their events, and moves known orders to PAID, in one statement
   * and one commit. `eventAtMs` is the timestamp in the events.
   */
  insert(
    instances: readonly NewInstance[],
    eventAtMs: number,
  ): Promise<{ createdAt: Date; notInserted: NotInserted[] }>;
  findByPurchases(purchases: readonly Purchase[]): Promise<InstanceLog[]>;
}

interface CreationDeps {
  ids: Pick<InstanceIds, 'take'>;
  products: Pick<ProductCache, 'find'>;
  encodeEvent: EncodeEvent;
  instanceLogs: InstanceLogs;
  clock: Pick<Clock, 'wallMs'>;
}

/**
 * Creates instances from purchases in one commit; nothing else in Weir does. Retries, batch splitting and
 * product refreshes wrap this function (creation-policy.ts).
 * @returns outcomes in the order of the drafts
 * @throws the store's error: whether the batch was committed is unknown; retry it with the same drafts
 */
export async function createInstances(
  { ids, products, encodeEvent, instanceLogs, clock }: CreationDeps,
  drafts: readonly Draft[],
): Promise<BatchOutcome[]> {
  // Id: proposed here, used only if this purchase is the first with its identity.
  const proposals = await proposeIds(ids, drafts);

  // Product: only an enabled one becomes an instance.
  const found = await products.find(proposals.map(({ purchase }) => purchase.productId));
  const { available, unavailable } = splitByAvailability(proposals, found);

  // Event: the message for the Resource Domain.
  const eventAtMs = clock.wallMs();
  const timestamp = encodeTimestamp(eventAtMs);
  const instances = available.map(({ instanceId, purchase, product }): NewInstance => {
    const event = encodeEvent(product, instanceId, purchase.userId, timestamp);
    return { instanceId, purchase, productVersion: product.version, event };
  });

  // Row: written together with the outbox batch. Sorted, so that two batches cannot deadlock.
  const { createdAt, notInserted } =
    instances.length > 0 ? await instanceLogs.insert(instances.sort(byPurchaseKey), eventAtMs) : nothing;

  // Classify the purchases whose row already existed.
  const rejections = new Map(unavailable);
  for (const { instanceId, because } of notInserted) rejections.set(instanceId, because);
  if (rejections.size === 0) return proposals.map((proposal) => toCreated(proposal, createdAt));
  const rejected = proposals.filter(({ instanceId }) => rejections.has(instanceId));
  const existing = await findExisting(instanceLogs, rejected);
  return proposals.map((proposal) => {
    const rejection = rejections.get(proposal.instanceId);
    if (rejection === undefined) return toCreated(proposal, createdAt);
    const instance = existing.get(purchaseKey(proposal.purchase));
    return instance ? compare(proposal, instance) : explain(proposal, rejection);
  });
}

interface Proposal {
  purchase: Purchase;
  instanceId: InstanceId;
}

type Rejection = 'missing' | 'disabled' | NotInserted['because'];

const nothing = { createdAt: new Date(0), notInserted: [] };

async function proposeIds(ids: CreationDeps['ids'], drafts: readonly Draft[]): Promise<Proposal[]> {
  const without = drafts.filter(({ instanceId }) => instanceId === undefined);
  const taken = without.length > 0 ? await ids.take(without.length) : [];
  for (const [i, draft] of without.entries()) draft.instanceId = taken[i] as InstanceId;
  return drafts as readonly Proposal[] as Proposal[];
}

function splitByAvailability(
  proposals: readonly Proposal[],
  found: ReadonlyMap<ProductId, Product>,
): { available: (Proposal & { product: Product })[]; unavailable: Map<InstanceId, Rejection> } {
  const available: (Proposal & { product: Product })[] = [];
  const unavailable = new Map<InstanceId, Rejection>();
  for (const { purchase, instanceId } of proposals) {
    const product = found.get(purchase.productId);
    if (product?.enabled) available.push({ purchase, instanceId, product });
    else unavailable.set(instanceId, product ? 'disabled' : 'missing');
  }
  return { available, unavailable };
}

/**
 * Existing rows take precedence over rejections: a repeat gets its first answer even when the product no
 * longer exists. This needs a second statement, because the insert's snapshot predates the row it conflicted
 * with.
 */
async function findExisting(
  instanceLogs: InstanceLogs,
  rejected: readonly Proposal[],
): Promise<Map<string, InstanceLog>> {
  const rows = await instanceLogs.findByPurchases(rejected.map(({ purchase }) => purchase));
  return new Map(rows.map((row) => [purchaseKey(row), row]));
}

function toCreated({ purchase, instanceId }: Proposal, createdAt: Date): Outcome {
  const { source, scope, sourceId, productId, userId } = purchase;
  const instance: InstanceLog = {
    ...{ instanceId, productId, userId, source, scope, sourceId },
    ...{ status: 'PROCESSING', createdAt, updatedAt: createdAt },
  };
  return { kind: 'created', instance };
}

/** If the row has the proposed id, an earlier commit succeeded although its answer was lost. */
function compare({ purchase, instanceId }: Proposal, instance: InstanceLog): Outcome {
  if (instance.productId !== purchase.productId || instance.userId !== purchase.userId) {
    return { kind: 'conflict', instance };
  }
  return { kind: instance.instanceId === instanceId ? 'created' : 'duplicate', instance };
}

/** `key` without a row means that the row was deleted in between: retry, as for a changed product. */
function explain({ purchase: { productId } }: Proposal, rejection: Rejection): BatchOutcome {
  switch (rejection) {
    case 'product':
    case 'key':
      return { kind: 'stale' };
    case 'missing':
      return refuse('PRODUCT_NOT_FOUND', `there is no product ${productId}`);
    case 'disabled':
      return refuse('PRODUCT_DISABLED', `product ${productId} is disabled`);
    case 'unit':
      return refuse('UNIT_SOLD_TWICE', 'another purchase already has this unit of the sale');
    case 'order':
      return refuse('ORDER_NOT_PAYABLE', 'the order is not pending, or of another product or user');
  }
}

function refuse(code: WeirError['code'], message: string): Outcome {
  return { kind: 'refused', error: new WeirError(code, message) };
}

function byPurchaseKey(a: NewInstance, b: NewInstance): number {
  const [x, y] = [a.purchase, b.purchase];
  return (
    compareText(x.source, y.source) || compareText(x.scope, y.scope) || compareText(x.sourceId, y.sourceId)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
