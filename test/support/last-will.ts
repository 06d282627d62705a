import { spawn } from 'node:child_process';

export interface LastWill {
  /** The processes to kill; each call replaces the previous list. A negative number is a process group. */
  name(pids: readonly number[]): void;
  /** Deletes the folder, if there is one, immediately, and kills nothing. */
  revoke(): void;
}

/**
 * Kills processes and deletes a folder when this process ends, even by SIGKILL, when no exit handler runs: a
 * shell waits on a pipe whose only other end is here.
 */
export function writeLastWill(folder?: string): LastWill {
  const script =
    'while read -r line; do pids=$line; done; [ -z "$pids" ] || kill -9 $pids; [ -z "$1" ] || rm -rf "$1"';
  const shell = spawn('sh', ['-c', script, 'last-will', folder ?? ''], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  const { stdin } = shell;
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  return {
    name: (pids) => void stdin.write(`${pids.join(' ')}\n`),
    revoke: () => void stdin.end('\n'),
  };
}
