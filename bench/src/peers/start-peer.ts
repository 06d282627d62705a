import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Bench } from '../bench.ts';

/**
 * Starts a server for comparison, `peers/<folder>/main.ts`; stopped at the end. Resolves with its process id
 * and port.
 */
export async function startPeer(bench: Bench, folder: string, args: readonly string[] = []) {
  const child = fork(new URL(`${folder}/main.js`, import.meta.url), args);
  const ended = once(child, 'exit');
  bench.cleanup.add(`process ${child.pid} (${folder})`, async () => {
    if (child.kill()) await ended;
  });
  const port = await Promise.race([
    once(child, 'message').then(([message]) => message as number),
    ended.then(() => {
      throw new Error(`the server ${folder} ended by itself`);
    }),
  ]);
  return { pid: child.pid ?? 0, port };
}
