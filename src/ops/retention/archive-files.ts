import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { makeFolder } from '../../lib/make-folder.ts';
import type { ArchiveFiles } from './archive.ts';

/** A killed process leaves an unfinished file; no write takes this long. */
const abandonedAfterMs = 86_400_000;

/**
 * Writes `<name>-<hash of the lines>.jsonl.gz` in `folder`, one JSON object per line. A file appears complete
 * or not at all, and is synced before it is renamed. Several processes may share the folder: each uses its
 * own temporary name, and different lines make different files.
 */
export function archiveFiles(folder: string): ArchiveFiles {
  return {
    async write(name, lines) {
      await makeFolder(resolve(folder));
      await removeAbandoned(folder);
      const text = `${lines.join('\n')}\n`;
      const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
      const file = join(folder, `${name}-${hash}.jsonl.gz`);
      const unfinished = `${file}.${randomBytes(6).toString('hex')}.part`;
      try {
        await writeSynced(unfinished, await promisify(gzip)(text));
        await rename(unfinished, file);
      } catch (error) {
        await unlink(unfinished).catch(() => {});
        throw error;
      }
      await syncFolder(folder);
    },
  };
}

async function writeSynced(file: string, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.part')) continue;
    const file = join(folder, name);
    // Another process may rename or remove it meanwhile.
    const found = await stat(file).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > abandonedAfterMs) await unlink(file).catch(() => {});
  }
}

/** A rename is durable only after its folder is synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
