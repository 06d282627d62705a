import { findFolderOf } from './find.mjs';
import { run } from './run.mjs';

export function canInstall() {
  return process.getuid?.() === 0 && findFolderOf(['apt-get']) !== undefined;
}

/** Debian and Ubuntu; a package may start its own server immediately. */
export async function install(packages) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  // One unreachable source fails the update, and the others may still provide the packages.
  await run('apt-get', ['update'], { env, timeoutMs: 300_000 }).catch(() => {});
  const args = ['install', '--yes', '--no-install-recommends', ...packages];
  await run('apt-get', args, { env, timeoutMs: 900_000 });
}
