import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Bench } from '../../bench.ts';
import type { Way } from './server.ts';

/** Starts the baseline server; stopped at the end. Resolves with its process id and port. */
export async function startOneTransaction(bench: Bench, database: string, way: Way, poolSize: number) {
  const child = fork(new URL('main.js', import.meta.url), [database, way, String(poolSize)]);
  const ended = once(child, 'exit');
  bench.cleanup.add(`process ${child.pid} (one transaction a request)`, async () => {
    if (child.kill()) await ended;
  });
  const port = await Promise.race([
    once(child, 'message').then(([message]) => message as number),
    ended.then(() => {
      throw new Error('the server with one transaction a request ended by itself');
    }),
  ]);
  return { pid: child.pid ?? 0, port };
}
