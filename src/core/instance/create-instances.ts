import { toWeirError, WeirError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { retryTransient } from '../../lib/repeat.ts';
import { createEventEncoder, type EncodeInstanceCreated, encodeTimestamp } from './instance-created.ts';
import type { InstanceIds } from './instance-id.ts';
import type { InstanceLog } from './instance-log.ts';
import type { Product, ProductCache } from './product.ts';
import { type InstanceId, type Purchase, purchaseKey, type Source } from './purchase.ts';

export type Outcome =
  /** `duplicate` carries the first instance; `conflict` the one that the same identity already names. */
  | { kind: 'created' | 'duplicate' | 'conflict'; instance: InstanceLog }
  | { kind: 'refused'; error: WeirError };

export interface NewInstance {
  instanceId: InstanceId;
  purchase: Purchase;
  productVersion: number;
  /** The Event for the Resource Domain. */
  event: Buffer;
}

/**
 * `product`: its version is another one now. `order`: this order cannot be paid. `unit`: another entry made an instance of
 * this unit of a sale. `key`: the row exists.
 */
export type NotInserted = { instanceId: InstanceId; because: 'product' | 'order' | 'unit' | 'key' };

export interface InstanceLogs {
  /**
   * ONE statement, ONE commit: rows, and the events of the rows really inserted as one batch; an order that Weir
   * knows moves to PAID in the same commit. `eventAtMs` stands in the events.
   */
  insert(
    instances: readonly NewInstance[],
    eventAtMs: number,
  ): Promise<{ createdAt: Date; notInserted: NotInserted[] }>;
  findByPurchases(purchases: readonly Purchase[]): Promise<InstanceLog[]>;
}

export interface CreationDeps {
  products: ProductCache;
  ids: InstanceIds;
  instanceLogs: InstanceLogs;
  clock: Clock;
  /** Whether a failure of the store may pass by itself. */
  isTransient: (error: unknown) => boolean;
  /** Told after the commit. */
  onCreated: (counts: ReadonlyMap<Source, number>, durationMs: number) => void;
}

export type CreateInstances = (purchases: readonly Purchase[]) => Promise<Outcome[]>;

interface Pending {
  purchase: Purchase;
  instanceId: InstanceId;
}

const maxAttempts = 5;

/**
 * The only way in. Whatever started them, purchases become instances here: id, product, event, one write, answer.
 * Outcomes come in the order of the purchases.
 *
 * @throws the store's error when the store is away: nothing is known, repeat the same call.
 */
export class InstanceCreation {
  readonly #deps: CreationDeps;
  readonly #encoders = new WeakMap<Product, EncodeInstanceCreated>();

  constructor(deps: CreationDeps) {
    this.#deps = deps;
  }

  readonly createInstances: CreateInstances = async (purchases) => {
    const startedAt = this.#deps.clock.monotonicMs();
    const ids = await this.#deps.ids.take(purchases.length);
    const pending = purchases.map((purchase, i) => ({ purchase, instanceId: ids[i] as InstanceId }));
    const outcomes = await this.#writeOrSplit(pending);
    this.#describeCreated(outcomes.values(), startedAt);
    return pending.map(({ instanceId }) => outcomes.get(instanceId) as Outcome);
  };

  /** A batch that one row spoils is split until the row stands alone. */
  async #writeOrSplit(pending: Pending[]): Promise<Map<InstanceId, Outcome>> {
    try {
      return await this.#writeRepeating(pending);
    } catch (error) {
      if (this.#mayPass(error)) throw error;
      const [alone, ...others] = pending;
      if (alone && others.length === 0) {
        return new Map([[alone.instanceId, { kind: 'refused', error: toWeirError(error) }]]);
      }
      const middle = pending.length >> 1;
      const left = await this.#writeOrSplit(pending.slice(0, middle));
      const right = await this.#writeOrSplit(pending.slice(middle));
      return new Map([...left, ...right]);
    }
  }

  /** With the same ids each time: what a commit with a lost answer created is recognised as created. */
  #writeRepeating(pending: Pending[]): Promise<Map<InstanceId, Outcome>> {
    return retryTransient(
      () => this.#writeUntilSettled(pending),
      (error) => this.#mayPass(error),
    );
  }

  #mayPass(error: unknown): boolean {
    return error instanceof WeirError ? error.disposition === 'retry' : this.#deps.isTransient(error);
  }

  async #writeUntilSettled(pending: Pending[]): Promise<Map<InstanceId, Outcome>> {
    const outcomes = new Map<InstanceId, Outcome>();
    let open = pending;
    for (let attempt = 1; open.length > 0; attempt++) {
      open = await this.#writeOnce(open, outcomes);
      if (attempt === maxAttempts && open.length > 0) {
        throw new WeirError(
          'STORE_UNAVAILABLE',
          `a product changed in each of ${maxAttempts} attempts to commit`,
        );
      }
    }
    return outcomes;
  }

  /** One commit. Settles what it can and returns what met a product that has changed since it was read. */
  async #writeOnce(pending: Pending[], outcomes: Map<InstanceId, Outcome>): Promise<Pending[]> {
    const products = await this.#deps.products.find(pending.map(({ purchase }) => purchase.productId));
    const orderable: NewInstance[] = [];
    const refused = new Map<InstanceId, WeirError | 'product'>();
    const eventAtMs = this.#deps.clock.wallMs();
    const timestamp = encodeTimestamp(eventAtMs);
    for (const { purchase, instanceId } of pending) {
      const product = products.get(purchase.productId);
      if (product?.enabled) {
        const event = this.#encoderFor(product)(instanceId, purchase.userId, timestamp);
        orderable.push({ instanceId, purchase, productVersion: product.version, event });
      } else refused.set(instanceId, unavailable(purchase, product));
    }

    let createdAt = new Date(0);
    if (orderable.length > 0) {
      orderable.sort(byPurchaseKey);
      const written = await this.#deps.instanceLogs.insert(orderable, eventAtMs);
      createdAt = written.createdAt;
      for (const { instanceId, because } of written.notInserted) refused.set(instanceId, whyNot(because));
    }
    for (const { purchase, instanceId } of pending) {
      if (!refused.has(instanceId)) outcomes.set(instanceId, created(purchase, instanceId, createdAt));
    }
    if (refused.size === 0) return [];
    return this.#settleRefused(
      pending.filter(({ instanceId }) => refused.has(instanceId)),
      refused,
      outcomes,
    );
  }

  /**
   * A repeat gets its first answer even where the product has gone since, so existing rows come before refusals.
   * They are read in a second statement: the snapshot of the first one is older than the row it lost to.
   */
  async #settleRefused(
    pending: Pending[],
    reasons: ReadonlyMap<InstanceId, WeirError | 'product'>,
    outcomes: Map<InstanceId, Outcome>,
  ): Promise<Pending[]> {
    const rows = await this.#deps.instanceLogs.findByPurchases(pending.map(({ purchase }) => purchase));
    const existing = new Map(rows.map((row) => [purchaseKey(row), row]));
    return pending.filter(({ purchase, instanceId }) => {
      const instance = existing.get(purchaseKey(purchase));
      const reason = reasons.get(instanceId);
      if (instance) outcomes.set(instanceId, compare(purchase, instanceId, instance));
      else if (reason instanceof WeirError) outcomes.set(instanceId, { kind: 'refused', error: reason });
      else this.#deps.products.forget(purchase.productId);
      return !outcomes.has(instanceId);
    });
  }

  #encoderFor(product: Product): EncodeInstanceCreated {
    let encoder = this.#encoders.get(product);
    if (!encoder) {
      encoder = createEventEncoder(product);
      this.#encoders.set(product, encoder);
    }
    return encoder;
  }

  #describeCreated(outcomes: Iterable<Outcome>, startedAt: number): void {
    const counts = new Map<Source, number>();
    for (const outcome of outcomes) {
      if (outcome.kind !== 'created') continue;
      const { source } = outcome.instance;
      counts.set(source, (counts.get(source) ?? 0) + 1);
    }
    this.#deps.onCreated(counts, this.#deps.clock.monotonicMs() - startedAt);
  }
}

function created(
  { source, scope, sourceId, productId, userId }: Purchase,
  instanceId: InstanceId,
  at: Date,
): Outcome {
  const instance: InstanceLog = {
    instanceId,
    productId,
    userId,
    source,
    scope,
    sourceId,
    status: 'PROCESSING',
    createdAt: at,
    updatedAt: at,
  };
  return { kind: 'created', instance };
}

/** Our own id in the row means that a commit whose answer was lost did happen. */
function compare(purchase: Purchase, proposed: InstanceId, instance: InstanceLog): Outcome {
  if (instance.productId !== purchase.productId || instance.userId !== purchase.userId) {
    return { kind: 'conflict', instance };
  }
  return { kind: instance.instanceId === proposed ? 'created' : 'duplicate', instance };
}

function unavailable({ productId }: Purchase, product: Product | undefined): WeirError {
  return product
    ? new WeirError('PRODUCT_DISABLED', `product ${productId} is disabled`)
    : new WeirError('PRODUCT_NOT_FOUND', `there is no product ${productId}`);
}

/** `key` without a row to show for it is a row deleted in between: try again, as for a changed product. */
function whyNot(because: NotInserted['because']): WeirError | 'product' {
  if (because === 'unit') {
    return new WeirError('UNIT_SOLD_TWICE', 'another purchase already has this unit of the sale');
  }
  return because === 'order'
    ? new WeirError('ORDER_NOT_PAYABLE', 'the order is not pending, or of another product or user')
    : 'product';
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
