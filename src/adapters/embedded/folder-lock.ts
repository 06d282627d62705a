import { closeSync, openSync } from 'node:fs';
import { readFile, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** @returns false while another open file, of this or any other process, holds the lock */
type TryLock = (fd: number) => boolean;

export class FolderInUseError extends Error {
  /** Shown to operators: pid and host. */
  readonly holder: string;

  constructor(folder: string, holder: string) {
    super(
      `cannot open ${folder}: ${holder} is using it; stop that process, or set data.embedded.folder to another folder`,
    );
    this.name = 'FolderInUseError';
    this.holder = holder;
  }
}

/** Without a lock two processes could write the same files, so the folder is not opened. */
export class FolderLockError extends Error {
  constructor(folder: string, cause: Error) {
    super(
      `cannot lock ${folder}: ${cause.message}; set data.embedded.folder to a folder on a local disk, ` +
        'or data.database.source to a PostgreSQL server',
      { cause },
    );
    this.name = 'FolderLockError';
  }
}

/**
 * Locks the folder for this process until the returned function is called. The lock is the kernel's: it ends
 * with the process, however that ends, and works across containers and pid namespaces. Therefore the file
 * `lock` is never removed, and the pid in `holder` is only informative.
 *
 * @throws FolderInUseError, FolderLockError, or the system's error when `lock` cannot be created or written
 */
export async function lockFolder(folder: string, tryLock?: TryLock): Promise<() => Promise<void>> {
  // A plain descriptor: a FileHandle is closed, and the lock lost, when it is garbage collected.
  const fd = openSync(join(folder, 'lock'), 'a+');
  const holder = join(folder, 'holder');
  try {
    if (!(await isLocked(folder, fd, tryLock))) throw new FolderInUseError(folder, await describe(holder));
    await writeFile(holder, `process ${process.pid} on host ${hostname()}`);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return async () => {
    await unlink(holder).catch(() => {});
    closeSync(fd);
  };
}

async function isLocked(folder: string, fd: number, tryLock?: TryLock): Promise<boolean> {
  try {
    // Imported here, so that Weir with PostgreSQL also runs on a platform without the library.
    return (tryLock ?? (await import('fs-native-extensions')).default.tryLock)(fd);
  } catch (error) {
    throw new FolderLockError(folder, error as Error);
  }
}

async function describe(holder: string): Promise<string> {
  return (await readFile(holder, 'utf8').catch(() => '')) || 'another process';
}
