import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFolderOf } from './find.mjs';
import { canInstall } from './install.mjs';
import { run } from './run.mjs';

const cached = fileURLToPath(new URL('../../node_modules/.cache/weir/promtool', import.meta.url));

/**
 * The program that checks metrics and alert rules: on PATH, or fetched before; undefined when it is neither.
 */
export function findPromtool() {
  const folder = findFolderOf(['promtool'], [dirname(cached)]);
  return folder && join(folder, 'promtool');
}

/**
 * Root on Debian extracts it from the package `prometheus` without installing that: the package starts a
 * server, with a user, a port and a database of its own, and the program needs none of them.
 */
export async function fetchPromtool() {
  if (findPromtool() || !canInstall() || !findFolderOf(['dpkg-deb'])) return findPromtool();
  const folder = mkdtempSync(join(tmpdir(), 'weir-promtool-'));
  // apt downloads as another user, which must be able to write here.
  chmodSync(folder, 0o777);
  try {
    await download(folder);
    const [file] = readdirSync(folder).filter((name) => name.endsWith('.deb'));
    await run('dpkg-deb', ['--extract', join(folder, file), join(folder, 'package')], { timeoutMs: 60_000 });
    mkdirSync(dirname(cached), { recursive: true });
    copyFileSync(join(folder, 'package/usr/bin/promtool'), cached);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return findPromtool();
}

/** A system that was never updated knows no packages. */
async function download(folder) {
  const take = () => run('apt-get', ['download', 'prometheus'], { cwd: folder, timeoutMs: 300_000 });
  await take().catch(async () => {
    await run('apt-get', ['update'], { timeoutMs: 300_000 });
    await take();
  });
}
