import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

/**
 * Makes the programs below `unpacked` run on a system with an older C library: each is replaced by a script
 * that starts it through the loader and with the libraries of its own suite. `root` is the final location of
 * the folder. An environment variable would not do: the system's shell, which they start, would load those
 * libraries too.
 */
export function wrapPrograms(unpacked, root) {
  const files = readdirSync(unpacked, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const loader = files.find((file) => /\/lib\/[^/]+\/ld-linux[^/]*$/.test(file));
  if (!loader) throw new Error('the unpacked packages hold no dynamic loader');
  const at = (file) => join(root, relative(unpacked, file));
  // Up to bookworm the C library is outside usr.
  const architecture = basename(dirname(loader));
  const libraries = ['lib', 'usr/lib'].map((folder) => join(root, folder, architecture)).join(':');
  const programs = files.filter(isInProgramFolder);
  for (const file of programs.filter((one) => startOf(one) === '#!/b')) {
    // Debian writes the path of Erlang into the scripts that start it.
    const script = readFileSync(file, 'utf8');
    writeFileSync(file, script.replaceAll('=/usr/lib/erlang', `=${join(root, 'usr/lib/erlang')}`));
  }
  for (const file of programs.filter((one) => startOf(one) === '\x7fELF')) {
    renameSync(file, `${file}.elf`);
    const start = `exec '${at(loader)}' --library-path '${libraries}' --argv0 "$0" '${at(file)}.elf' "$@"`;
    writeFileSync(file, `#!/bin/sh\n${start}\n`, { mode: 0o755 });
  }
}

function isInProgramFolder(file) {
  return /\/s?bin\/[^/]+$/.test(file) && (statSync(file).mode & 0o111) !== 0;
}

function startOf(file) {
  const handle = openSync(file, 'r');
  const head = Buffer.alloc(4);
  readSync(handle, head, 0, 4, 0);
  closeSync(handle);
  return head.toString('latin1');
}
