import { setTimeout as pause } from 'node:timers/promises';

/**
 * Calls `ask` every 25 ms until it resolves; after the deadline, the error contains what the last attempt
 * saw.
 */
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

/** Thrown by `ask` when no further attempt can succeed. */
export class GiveUp extends Error {}
