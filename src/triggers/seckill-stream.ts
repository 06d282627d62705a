import { type ErrorCode, toWeirError, WeirError } from '../errors.ts';
import type { CreateInstances, Outcome } from '../instance/create-instances.ts';
import {
  type ProductId,
  type Purchase,
  parseSaleUnit,
  parseTraceparent,
  parseUserId,
  type Source,
  type SourceId,
} from '../instance/purchase.ts';
import { backoffMs, pause } from '../lib/backoff.ts';
import { failpoint } from '../lib/failpoint.ts';
import { parseStreamKey } from './seckill-key.ts';

export const seckill = 'SECKILL' as Source;

/** An entry as it stands on the stream. `uid` is undefined when the entry has no such field. */
export interface StreamEntry {
  id: string;
  /** undefined: trimmed or deleted before anybody read it. */
  fields: EntryFields | undefined;
  /** How often it was handed out, this time included. */
  deliveries: number;
}

/** The fields that mean something here; `unit` and `key` stand on the entries of Weir's own sales. */
export type EntryFields = Record<'uid' | 'traceparent', string | undefined> & { unit?: string; key?: string };

export interface StreamBatch {
  stream: string;
  entries: StreamEntry[];
}

/** The seckill streams of all products, read as one consumer of one group. */
export interface SeckillStreams {
  /** Looks for streams that have appeared since; they are read from their first entry. */
  discover(): Promise<void>;
  /** New entries, at most `count` of a stream; waits up to `blockMs` for the first. */
  read(count: number, blockMs: number): Promise<StreamBatch[]>;
  /** Takes over entries that another consumer got at least `minIdleMs` ago and did not finish. */
  takeOver(count: number, minIdleMs: number): Promise<StreamBatch[]>;
  /** The entry's field names and values as bytes, one after the other; empty when it is gone. */
  readOriginal(stream: string, id: string): Promise<Buffer[]>;
  acknowledge(stream: string, ids: readonly string[]): Promise<void>;
  /** Removes entries that every group has finished and that are older than `keepMs`. */
  trim(keepMs: number): Promise<void>;
}

export interface ParkedEntry {
  stream: string;
  id: string;
  error: WeirError;
  original: Buffer;
}

export interface SeckillParts {
  streams: SeckillStreams;
  createInstances: CreateInstances;
  /** Which of these entries have their instance already. */
  findFinished: (stream: string, ids: readonly string[]) => Promise<ReadonlySet<string>>;
  park: (entries: ParkedEntry[]) => Promise<void>;
  /** Whether there is room for more: false above the outbox's high-water mark. */
  hasRoom: () => boolean;
  onParked: (entries: ParkedEntry[]) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

export interface SeckillOptions {
  batchSize: number;
  /** Batches that are being committed while the next one is read. */
  maxInFlight: number;
  blockMs: number;
  discoverEveryMs: number;
  takeOverEveryMs: number;
  /** Longer than any batch takes, or two consumers work on the same entries. */
  minIdleMs: number;
  maxDeliveries: number;
  trimEveryMs: number;
  keepFinishedMs: number;
}

type Chore = 'discover' | 'trim' | 'takeOver';
type Work = Chore | 'read';

/** Not longer: while a store is unavailable an attempt costs nothing, and when it is back winners should not wait. */
const retry = { firstMs: 100, maxMs: 1_000 };
/** Tries for a purchase that fails for a reason we do not know, before it is parked. */
const maxUnknownFailures = 5;

/** Reads winners from the seckill streams until stopped, and acknowledges each only when its effect is committed. */
export class SeckillStreamTrigger {
  readonly #parts: SeckillParts;
  readonly #options: SeckillOptions;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #dueAt = new Map<Chore, number>();
  /** In a row, each counted apart: to read no streams at all succeeds also while Redis is away. */
  readonly #failures: Record<Work, number> = { discover: 0, trim: 0, takeOver: 0, read: 0 };
  #trying: Work = 'read';

  constructor(parts: SeckillParts, options: SeckillOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Resolves when stopped and every batch begun is finished. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#runChores(signal);
        if (!this.#parts.hasRoom()) {
          await pause(this.#options.blockMs / 4, signal);
          continue;
        }
        const { batchSize, blockMs } = this.#options;
        const batches = await this.#try('read', () => this.#parts.streams.read(batchSize, blockMs));
        for (const batch of batches) await this.#begin(batch, signal);
      } catch (error) {
        if (signal.aborted) break;
        this.#parts.onFailure(error, ++this.#failures[this.#trying]);
        // Chores keep their own time, and a stream that is known can be read without them.
        await pause(backoffMs(Math.max(1, this.#failures.read), retry), signal);
      }
    }
    await Promise.all(this.#inFlight);
  }

  async #runChores(signal: AbortSignal): Promise<void> {
    const { streams, hasRoom } = this.#parts;
    const { discoverEveryMs, trimEveryMs, takeOverEveryMs, ...options } = this.#options;
    if (this.#isDue('discover', discoverEveryMs)) await this.#try('discover', () => streams.discover());
    if (this.#isDue('trim', trimEveryMs)) await this.#try('trim', () => streams.trim(options.keepFinishedMs));
    if (!hasRoom() || !this.#isDue('takeOver', takeOverEveryMs)) return;
    const takeOver = () => streams.takeOver(options.batchSize, options.minIdleMs);
    for (const batch of await this.#try('takeOver', takeOver)) await this.#begin(batch, signal);
  }

  async #try<Result>(what: Work, work: () => Promise<Result>): Promise<Result> {
    this.#trying = what;
    const result = await work();
    this.#failures[what] = 0;
    return result;
  }

  #isDue(chore: Chore, everyMs: number): boolean {
    const now = performance.now();
    if (now < (this.#dueAt.get(chore) ?? 0)) return false;
    this.#dueAt.set(chore, now + everyMs);
    return true;
  }

  /** Starts a batch, waiting first until fewer than `maxInFlight` are under way. */
  async #begin(batch: StreamBatch, signal: AbortSignal): Promise<void> {
    while (this.#inFlight.size >= this.#options.maxInFlight) await Promise.race(this.#inFlight);
    const work = this.#finish(batch, signal).finally(() => this.#inFlight.delete(work));
    this.#inFlight.add(work);
  }

  /** Repeats until committed: a store that is away is no fault of the entries. */
  async #finish(batch: StreamBatch, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#commitAndAcknowledge(batch, attempt);
        return;
      } catch (error) {
        this.#parts.onFailure(error, attempt);
        if (signal.aborted) return; // Unacknowledged: whoever comes next takes it over.
        await pause(backoffMs(attempt, retry), signal);
      }
    }
  }

  async #commitAndAcknowledge({ stream, entries }: StreamBatch, attempt: number): Promise<void> {
    const purchases: Purchase[] = [];
    const unfit: Unfit[] = [];
    const productId = readProductId(stream);
    for (const entry of entries) {
      const purchase = this.#toPurchase(stream, productId, entry);
      if (purchase instanceof WeirError) unfit.push({ id: entry.id, error: purchase });
      else purchases.push(purchase);
    }

    const outcomes = purchases.length > 0 ? await this.#parts.createInstances(purchases) : [];
    failpoint('after-commit');
    outcomes.forEach((outcome, i) => {
      const error = whyPark(outcome);
      if (error?.disposition === 'retry' && attempt < maxUnknownFailures) throw error;
      if (error) unfit.push({ id: purchases[i]?.sourceId as string, error });
    });
    if (unfit.length > 0) await this.#park(stream, unfit);

    failpoint('before-acknowledge');
    await this.#parts.streams.acknowledge(
      stream,
      entries.map(({ id }) => id),
    );
  }

  #toPurchase(stream: string, productId: ProductId | WeirError, entry: StreamEntry): Purchase | WeirError {
    if (productId instanceof WeirError) return productId;
    if (entry.deliveries > this.#options.maxDeliveries) {
      return new WeirError('DELIVERED_TOO_OFTEN', `handed out ${entry.deliveries} times`);
    }
    if (!entry.fields) return new WeirError('ENTRY_GONE', 'the entry was removed before it was read');
    try {
      return {
        source: seckill,
        scope: stream,
        sourceId: entry.id as SourceId,
        productId,
        userId: parseUserId(entry.fields.uid),
        ...parseTraceparent(entry.fields.traceparent),
        ...parseSaleUnit(entry.fields.unit, entry.fields.key),
      };
    } catch (error) {
      return toWeirError(error);
    }
  }

  async #park(stream: string, unfit: Unfit[]): Promise<void> {
    const ids = unfit.filter(({ error }) => mayBeFinished.has(error.code)).map(({ id }) => id);
    const finished = ids.length > 0 ? await this.#parts.findFinished(stream, ids) : new Set();
    const open = unfit.filter(({ id }) => !finished.has(id));
    const parked = await Promise.all(
      open.map(async ({ id, error }) => {
        const original = encodeOriginal(await this.#parts.streams.readOriginal(stream, id));
        return { stream, id, error, original };
      }),
    );
    await this.#parts.park(parked);
    failpoint('after-park');
    this.#parts.onParked(parked);
  }
}

interface Unfit {
  id: string;
  error: WeirError;
}

/** Reasons that say nothing about the entry: an earlier delivery may have made its instance and died before the ack. */
const mayBeFinished: ReadonlySet<ErrorCode> = new Set(['ENTRY_GONE', 'DELIVERED_TOO_OFTEN']);

/** The product of a stream, from its key. */
function readProductId(stream: string): ProductId | WeirError {
  try {
    return parseStreamKey(stream);
  } catch (error) {
    return toWeirError(error);
  }
}

function whyPark(outcome: Outcome): WeirError | undefined {
  if (outcome.kind === 'conflict') {
    const { instanceId, productId, userId } = outcome.instance;
    return new WeirError(
      'PURCHASE_CONFLICT',
      `this entry id already made instance ${instanceId} for user ${userId} and product ${productId}`,
    );
  }
  return outcome.kind === 'refused' ? outcome.error : undefined;
}

/** A JSON array of alternating names and values; what is not UTF-8 stands as {"base64": …}. */
export function encodeOriginal(parts: readonly Buffer[]): Buffer {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  return Buffer.from(
    JSON.stringify(
      parts.map((bytes) => {
        try {
          return decoder.decode(bytes);
        } catch {
          return { base64: bytes.toString('base64') };
        }
      }),
    ),
  );
}
