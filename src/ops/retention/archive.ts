/** One row of the archive: a line of JSON without its newline. */
export interface ArchivedLine {
  /** The row's id in instance_logs. */
  id: string;
  line: string;
}

export interface ArchivePage {
  /** Rows of the page that may leave, oldest first. */
  lines: ArchivedLine[];
  /** The last row id that was looked at; undefined when the page came to rows that are too young. */
  nextAfter: string | undefined;
}

export interface ArchiveRows {
  /** Looks at the next `limit` rows behind the row id `after`. */
  findOld(olderThanMs: number, after: string, limit: number): Promise<ArchivePage>;
  /** Removes those that the audit has counted, and keeps their identities. @returns how many */
  remove(ids: readonly string[]): Promise<number>;
}

export interface ArchiveFiles {
  /** On disk when it resolves. The same lines under the same name are one file, whichever process writes them. */
  write(name: string, lines: readonly string[]): Promise<void>;
}

const rowsPerFile = 10_000;
const rowsPerRemoval = 500;

/**
 * Moves old rows page by page: first the page's file, then its removal in small steps. Killed between the two, the same
 * rows are written again later; a reader of the archive takes an instance id once.
 *
 * @returns how many rows went
 */
export async function archiveOld(
  rows: ArchiveRows,
  files: ArchiveFiles,
  olderThanMs: number,
  { signal, afterWrite = () => {} }: { signal?: AbortSignal; afterWrite?: () => void } = {},
): Promise<number> {
  let total = 0;
  let after: string | undefined = '0';
  while (after !== undefined && !signal?.aborted) {
    const page: ArchivePage = await rows.findOld(olderThanMs, after, rowsPerFile);
    total += await movePage(rows, files, page.lines, afterWrite);
    after = page.nextAfter;
  }
  return total;
}

async function movePage(
  rows: ArchiveRows,
  files: ArchiveFiles,
  lines: readonly ArchivedLine[],
  afterWrite: () => void,
): Promise<number> {
  const [first, last] = [lines[0], lines.at(-1)];
  if (!first || !last) return 0;
  await files.write(
    `instances-${first.id}-${last.id}`,
    lines.map(({ line }) => line),
  );
  afterWrite();
  let removed = 0;
  for (let from = 0; from < lines.length; from += rowsPerRemoval) {
    removed += await rows.remove(lines.slice(from, from + rowsPerRemoval).map(({ id }) => id));
  }
  return removed;
}
