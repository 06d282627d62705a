import { spawn } from 'node:child_process';

export interface LastWill {
  /** Whom to kill; each call replaces the one before. A negative number is a process group. */
  name(pids: readonly number[]): void;
  /** The folder, if there is one, is deleted at once, and nothing is killed. */
  revoke(): void;
}

/**
 * Kills processes and deletes a folder when this process ends, also by SIGKILL, where no exit handler runs: the
 * shell waits on a pipe whose only other end is ours.
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
