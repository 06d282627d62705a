import { pause } from '../lib/backoff.ts';

/** Each call removes a small step's worth. @returns how many rows went, 0 when nothing is old */
export type Chore = () => Promise<number>;

const betweenStepsMs = 50;

/** Removes what is finished and old, chore after chore, with a breath between the steps. */
export async function clean(
  chores: Readonly<Record<string, Chore>>,
  onCleaned: (what: string, count: number) => void,
  signal: AbortSignal,
): Promise<void> {
  for (const [what, chore] of Object.entries(chores)) {
    let total = 0;
    while (!signal.aborted) {
      const count = await chore();
      if (count === 0) break;
      total += count;
      await pause(betweenStepsMs, signal);
    }
    if (total > 0) onCleaned(what, total);
  }
}
