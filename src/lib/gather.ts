import { markStoreFailure } from './store-failure.ts';

export interface GatherOptions {
  /** Items in one batch, at most. */
  maxItems: number;
  /** Batches at the same time, at most. */
  maxInFlight: number;
  /** An item that has waited longer is dropped: its caller already has an answer. */
  maxWaitMs?: number;
}

class WaitedTooLongError extends Error {
  constructor() {
    super('waited too long behind a commit that is not answered');
    this.name = 'WaitedTooLongError';
  }
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
  since: number;
}

/**
 * Turns single calls into batches without a timer: what comes in while `work` is under way goes into the next
 * batch, and a call alone starts at once. `work` answers in the order of its items.
 *
 * When a batch fails, each of its callers gets that error.
 */
export function gather<Item, Result>(
  work: (items: Item[]) => Promise<Result[]>,
  { maxItems, maxInFlight, maxWaitMs = Number.POSITIVE_INFINITY }: GatherOptions,
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let inFlight = 0;

  async function runBatch(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await work(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, i) => {
        resolve(results[i] as Result);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      inFlight--;
      startBatches();
    }
  }

  /** Items are in order of age, so this stops at the first one in time. */
  function dropLate(): void {
    const oldest = performance.now() - maxWaitMs;
    while (waiting[0] && waiting[0].since < oldest) {
      waiting.shift()?.reject(markStoreFailure(new WaitedTooLongError()));
    }
  }

  function startBatches(): void {
    dropLate();
    while (waiting.length > 0 && inFlight < maxInFlight) {
      const batch = waiting.slice(0, maxItems);
      waiting = waiting.slice(maxItems);
      inFlight++;
      void runBatch(batch);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject, since: performance.now() });
      // One microtask later the other calls of this turn of the event loop are in the batch as well.
      queueMicrotask(startBatches);
    });
}

/** Concurrent calls with the same argument share one call and its answer. */
export function shareInFlight<Argument, Result>(
  work: (argument: Argument) => Promise<Result>,
): (argument: Argument) => Promise<Result> {
  const underWay = new Map<Argument, Promise<Result>>();
  return (argument) => {
    let answer = underWay.get(argument);
    if (!answer) {
      answer = work(argument).finally(() => underWay.delete(argument));
      underWay.set(argument, answer);
    }
    return answer;
  };
}
