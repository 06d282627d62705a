import { WeirError } from '../../errors.ts';
import { failpoint } from '../../lib/failpoint.ts';
import type { CreateInstances, Outcome } from '../instance/create-instances.ts';
import type { Purchase } from '../instance/purchase.ts';
import { type ParkDeps, parkEntries, type Unfit } from './park-entries.ts';
import { readProductId, toPurchase } from './read-purchase.ts';
import type { SeckillStreams, StreamBatch, StreamEntry } from './seckill-streams.ts';

export interface BatchDeps extends ParkDeps {
  streams: SeckillStreams;
  createInstances: CreateInstances;
}

/** Attempts at a purchase that fails for an unknown reason before it is parked. */
const maxUnknownFailures = 5;
/** Crashes of the process while it works on one entry alone before that entry is parked. */
const maxTriesAlone = 3;
/**
 * Added to an entry's delivery count for each attempt alone. No ordinary count gets this high, and it
 * survives a crash.
 */
const deliveriesPerTryAlone = 1_000_000;
/**
 * Creates the instances of a batch, parks the entries that cannot become one, and acknowledges each entry
 * after its effect is committed.
 */
export class ProcessBatch {
  readonly #deps: BatchDeps;
  readonly #maxDeliveries: number;
  readonly #unknownFailures = new Map<string, number>();
  /** Attempts alone that this process survived, for entries whose count could not be reset on the stream. */
  readonly #triesAlone = new Map<string, number>();

  constructor(deps: BatchDeps, maxDeliveries: number) {
    this.#deps = deps;
    this.#maxDeliveries = maxDeliveries;
  }

  /** Entries delivered too often come last, each alone: one of them may be what crashes the process. */
  async process({ stream, entries }: StreamBatch): Promise<void> {
    const suspects = entries.filter(({ deliveries }) => deliveries > this.#maxDeliveries);
    if (suspects.length === 0) return this.#processTogether(stream, entries);
    const suspected = new Set(suspects);
    const others = entries.filter((entry) => !suspected.has(entry));
    if (others.length > 0) await this.#processTogether(stream, others);
    for (const entry of suspects) await this.#processSuspect(stream, entry);
  }

  /**
   * Used after repeated permanent failures of whole batches: the good entries succeed, each bad one fails
   * alone.
   */
  async processOneByOne(
    { stream, entries }: StreamBatch,
    isTransient: (error: unknown) => boolean,
  ): Promise<void> {
    let failure: { error: unknown } | undefined;
    for (const entry of entries) {
      try {
        await this.process({ stream, entries: [entry] });
      } catch (error) {
        if (isTransient(error)) throw error;
        failure ??= { error };
      }
    }
    if (failure) throw failure.error;
  }

  async #processTogether(stream: string, entries: readonly StreamEntry[]): Promise<void> {
    const purchases: Purchase[] = [];
    const purchased: StreamEntry[] = [];
    const unfit: Unfit[] = [];
    const productId = readProductId(stream);
    for (const entry of entries) {
      const purchase = toPurchase(stream, productId, entry);
      if (purchase instanceof WeirError) unfit.push({ entry, error: purchase });
      else {
        purchases.push(purchase);
        purchased.push(entry);
      }
    }

    const outcomes = purchases.length > 0 ? await this.#deps.createInstances(purchases) : [];
    failpoint('after-commit');
    const done: StreamEntry[] = [];
    outcomes.forEach((outcome, i) => {
      const entry = purchased[i] as StreamEntry;
      const error = parkReason(outcome);
      if (error) unfit.push({ entry, error });
      else done.push(entry);
    });
    if (unfit.length === 0) return this.#acknowledge(stream, entries);
    // Acknowledge winners first, without waiting for the others.
    if (done.length > 0) await this.#acknowledge(stream, done);
    await this.#settleUnfit(stream, unfit);
  }

  /**
   * Parks entries with a known reason; one that failed for an unknown reason stays pending and is
   * redelivered.
   */
  async #settleUnfit(stream: string, unfit: readonly Unfit[]): Promise<void> {
    const again = unfit.filter((each) => this.#mayStillPass(stream, each));
    const certain = again.length === 0 ? unfit : unfit.filter((each) => !again.includes(each));
    if (certain.length > 0) {
      await parkEntries(this.#deps, stream, certain);
      await this.#acknowledge(
        stream,
        certain.map(({ entry }) => entry),
      );
      for (const { entry } of certain) this.#unknownFailures.delete(keyOf(stream, entry));
    }
    if (again[0]) throw again[0].error;
  }

  #mayStillPass(stream: string, { entry, error }: Unfit): boolean {
    if (!error.isTransient) return false;
    const key = keyOf(stream, entry);
    const failures = (this.#unknownFailures.get(key) ?? 0) + 1;
    this.#unknownFailures.set(key, failures);
    return failures < maxUnknownFailures;
  }

  async #acknowledge(stream: string, entries: readonly StreamEntry[]): Promise<void> {
    failpoint('before-acknowledge');
    await this.#deps.streams.acknowledge(
      stream,
      entries.map(({ id }) => id),
    );
  }

  /**
   * A crash raises the delivery count of every entry in hand, including innocent ones. So only crashes while
   * this entry is processed alone count against it. The database is checked first: while it is unavailable
   * nothing is attempted or counted.
   */
  async #processSuspect(stream: string, entry: StreamEntry): Promise<void> {
    const { streams, findFinished } = this.#deps;
    const finished = await findFinished(stream, [entry.id]);
    if (finished.has(entry.id)) return this.#acknowledge(stream, [entry]);
    const key = keyOf(stream, entry);
    const tries = this.#triesAlone.get(key) ?? Math.floor(entry.deliveries / deliveriesPerTryAlone);
    if (tries >= maxTriesAlone) {
      const error = new WeirError(
        'MAX_DELIVERIES_EXCEEDED',
        `the process ended ${tries} times while it processed only this entry`,
      );
      return this.#settleUnfit(stream, [{ entry, error }]);
    }
    await streams.setDeliveries(stream, entry.id, (tries + 1) * deliveriesPerTryAlone);
    try {
      await this.#processTogether(stream, [entry]);
      this.#triesAlone.delete(key);
    } catch (error) {
      this.#triesAlone.set(key, tries);
      const before = tries > 0 ? tries * deliveriesPerTryAlone : this.#maxDeliveries + 1;
      // If the reset fails as well, this process remembers the attempt.
      await streams.setDeliveries(stream, entry.id, before).catch(() => {});
      throw error;
    }
  }
}

function keyOf(stream: string, { id }: StreamEntry): string {
  return `${stream} ${id}`;
}

function parkReason(outcome: Outcome): WeirError | undefined {
  if (outcome.kind === 'conflict') {
    const { instanceId, productId, userId } = outcome.instance;
    return new WeirError(
      'PURCHASE_CONFLICT',
      `this entry id already created instance ${instanceId} for user ${userId} and product ${productId}`,
    );
  }
  return outcome.kind === 'refused' ? outcome.error : undefined;
}
