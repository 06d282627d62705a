import { chmodSync, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const memory = '/dev/shm';
const neededBytes = 4 * 1024 ** 3;

/**
 * Makes the folder in which this run and its tests make theirs: in memory where there is room. A test makes a database or
 * two of its own, and on a disk each takes half a second of waiting for fsync.
 */
export function makeRunFolder(): string {
  const folder = mkdtempSync(join(hasRoom(memory) ? memory : tmpdir(), 'weir-test-run-'));
  // Servers that a test starts run as users of their own.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
  return folder;
}

function hasRoom(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize >= neededBytes;
  } catch {
    return false;
  }
}
