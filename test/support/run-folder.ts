import { chmodSync, mkdtempSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const memory = '/dev/shm';
const neededBytes = 4 * 1024 ** 3;

/**
 * Creates the folder for this run and its tests, in memory if there is room. A test creates a database or
 * two, and on a disk each takes half a second of waiting for fsync.
 */
export function makeRunFolder(): string {
  const folder = mkdtempSync(join(hasRoom(memory) ? memory : tmpdir(), 'weir-test-run-'));
  // Servers started by a test run as users of their own.
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
