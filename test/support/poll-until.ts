import { setTimeout as pause } from 'node:timers/promises';

/** Asks again every 25 ms until `ask` resolves; the error past the deadline says what the last try saw. */
export async function pollUntil<T>(what: string, deadlineMs: number, ask: () => Promise<T>): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof GiveUp) throw error;
      if (Date.now() > end) {
        const seen = error instanceof Error ? error.message : String(error);
        throw new Error(`${what}: not within ${deadlineMs / 1000} s. Last seen: ${seen}`, { cause: error });
      }
      await pause(25);
    }
  }
}

/** Thrown by `ask` when no further try can succeed. */
export class GiveUp extends Error {}
