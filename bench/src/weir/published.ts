import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Bench } from '../bench.ts';
import type { Program } from './program.ts';

const withinMs = 60_000;

/** Resolves with the ms until no batch waited any more. */
export async function waitUntilPublished(bench: Bench, client: pg.Client, program: Program): Promise<number> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < withinMs) {
    bench.signal.throwIfAborted();
    program.throwIfGone();
    const { rows } = await client.query<{ waits: boolean }>('SELECT EXISTS (SELECT 1 FROM outbox) AS waits');
    if (rows[0]?.waits === false) return Math.round(performance.now() - startedAt);
    await sleep(10);
  }
  throw new Error(
    `batches still wait ${withinMs / 1000} s after the last request:\n${program.readLogTail()}`,
  );
}
