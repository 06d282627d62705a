import { mkdtemp, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FolderInUseError, FolderLockError, lockFolder } from '../../adapters/embedded/folder-lock.ts';
import { isPgliteIn } from '../../adapters/embedded/pglite.ts';
import type { Finding } from '../../lib/finding.ts';

const about = 'database';
const durability = 'survives a crash of this process, but not a power cut (fsync = off)';

/**
 * Whether the folder of the embedded database can be written and locked, and which process uses it. Creates
 * nothing.
 */
export async function diagnoseEmbedded(folder: string): Promise<Finding> {
  try {
    const state = await diagnoseFolder(folder);
    const advice = 'set data.database.source for anything of value';
    return { about, level: 'warning', what: `embedded, ${state}; ${durability}`, advice };
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof FolderLockError) {
      return { about, level: 'problem', what: 'embedded, but without a lock', advice: message };
    }
    const what = `embedded, but ${folder} cannot be written: ${message}`;
    return { about, level: 'problem', what, advice: 'set data.embedded.folder to a writable folder' };
  }
}

async function diagnoseFolder(folder: string): Promise<string> {
  if (!(await isPgliteIn(folder))) {
    await tryFolder(await findExisting(folder));
    return `not created yet: the first start creates it in ${folder}`;
  }
  try {
    await (await lockFolder(folder))();
    return `kept in ${folder}`;
  } catch (error) {
    if (!(error instanceof FolderInUseError)) throw error;
    return `kept in ${folder}, in use by ${error.holder}`;
  }
}

/**
 * The folder, or the nearest existing parent in which it would be created. @throws when that is not a folder
 */
async function findExisting(folder: string): Promise<string> {
  try {
    if ((await stat(folder)).isDirectory()) return folder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return findExisting(dirname(folder));
  }
  throw new Error(`${folder} is not a folder`);
}

/** Leaves nothing behind. @throws when nothing can be created in it */
async function tryFolder(folder: string): Promise<void> {
  await rmdir(await mkdtemp(join(folder, '.weir-doctor-')));
}
