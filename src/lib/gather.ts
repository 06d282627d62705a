import { markStoreFailure } from './store-failure.ts';

interface GatherOptions {
  /** Most items in one batch. */
  maxItems: number;
  /** Most batches at the same time. */
  maxInFlight: number;
  /** An item that has waited longer is rejected: its caller has already been answered. */
  maxWaitMs?: number;
}

class WaitedTooLongError extends Error {
  constructor() {
    super('waited too long behind an unanswered commit');
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
 * Batches single calls without a timer: calls that arrive while `work` is running form the next batch, and a
 * call on an idle batcher starts at the end of its turn of the event loop. `work` returns results in the
 * order of its items.
 *
 * When a batch fails, each of its callers gets the error.
 */
export function gather<Item, Result>(
  work: (items: Item[]) => Promise<Result[]>,
  { maxItems, maxInFlight, maxWaitMs = Number.POSITIVE_INFINITY }: GatherOptions,
): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = [];
  let inFlight = 0;
  let isScheduled = false;

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

  /** Items are ordered by age, so this stops at the first one that is in time. */
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

  function startTurn(): void {
    isScheduled = false;
    startBatches();
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject, since: performance.now() });
      if (isScheduled) return;
      isScheduled = true;
      // After all sockets of this turn of the event loop were read, so that their requests share the batch:
      // a microtask runs between two of them.
      setImmediate(startTurn);
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
