import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface FreshClone extends Disposable {
  folder: string;
}

/**
 * A clone of this repository with its uncommitted changes, without `dist/`; the packages are those of this
 * checkout.
 */
export function createFreshClone(): FreshClone {
  const folder = mkdtempSync(join(tmpdir(), 'weir-clone-'));
  git('clone', '--quiet', root, folder);
  const changed = [git('diff', '--name-only', 'HEAD'), git('ls-files', '--others', '--exclude-standard')];
  for (const file of changed.flatMap((names) => names.split('\n')).filter((name) => name !== '')) {
    if (existsSync(join(root, file))) cpSync(join(root, file), join(folder, file));
    else rmSync(join(folder, file), { force: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  // Older than the packages: otherwise `npm start` would install into this checkout through the link.
  utimesSync(join(folder, 'package-lock.json'), 0, 0);
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' });
}
