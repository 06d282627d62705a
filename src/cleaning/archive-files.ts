import { open, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { makeFolder } from '../lib/make-folder.ts';
import type { ArchiveFiles } from './archive.ts';

/** `<name>.jsonl.gz` in `folder`: one JSON object a line. Appears whole or not at all, and is synced before its name. */
export function archiveFiles(folder: string): ArchiveFiles {
  return {
    async write(name, lines) {
      await makeFolder(resolve(folder));
      const file = join(folder, `${name}.jsonl.gz`);
      const bytes = await promisify(gzip)(`${lines.join('\n')}\n`);
      const handle = await open(`${file}.part`, 'w');
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${file}.part`, file);
      await syncFolder(folder);
    },
  };
}

/** The name itself is on disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
