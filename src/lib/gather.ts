export interface GatherOptions {
  /** Items one commit takes at most. */
  maxItems: number;
  /** Commits under way at the same time at most. */
  maxInFlight: number;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (reason: unknown) => void;
}

/**
 * Turns single calls into batches without a timer: what comes in while `work` is under way goes into the next
 * batch, and one call alone waits for nobody. `work` answers in the order of its items.
 *
 * When a batch fails, each of its callers gets that error.
 */
export function gather<Item, Result>(
  work: (items: Item[]) => Promise<Result[]>,
  { maxItems, maxInFlight }: GatherOptions,
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

  function startBatches(): void {
    while (waiting.length > 0 && inFlight < maxInFlight) {
      const batch = waiting.slice(0, maxItems);
      waiting = waiting.slice(maxItems);
      inFlight++;
      void runBatch(batch);
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      // One microtask later the other calls of this turn of the event loop are in the batch as well.
      queueMicrotask(startBatches);
    });
}

/** Whoever asks while an answer is on its way gets that one; asked with another argument it is asked anew. */
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
