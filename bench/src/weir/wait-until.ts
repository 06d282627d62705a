import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from './program.ts';

/** Polls every 50 ms; `still` completes "60 s later ...". */
export async function waitUntil(
  program: Program,
  withinMs: number,
  still: string,
  isDone: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline) {
    program.throwIfGone();
    if (await isDone()) return;
    await sleep(50);
  }
  throw new Error(`${withinMs / 1000} s later ${still}:\n${program.readLogTail()}`);
}
