import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs npm ci, unless node_modules is as new as the lock file. */
export function installIfNeeded() {
  const installed = `${root}node_modules/.package-lock.json`;
  const isFresh =
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs;
  if (!isFresh) run('installing packages', 'npm', ['ci', '--no-audit', '--no-fund']);
}

export function build() {
  run('building', 'npm', ['run', '--silent', 'build']);
}

/** Prints one line, then runs the command; its failure ends this process with its exit code. */
export function run(what, command, args, env = {}) {
  console.error(`weir: ${what} …`);
  try {
    const shell = process.platform === 'win32';
    execFileSync(command, args, {
      cwd: root,
      stdio: ['ignore', 2, 2],
      env: { ...process.env, ...env },
      shell,
    });
  } catch (error) {
    console.error(`weir: ${what} failed`);
    process.exit(error.status ?? 1);
  }
}
