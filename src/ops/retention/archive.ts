/** One row of the archive: a line of JSON without its newline. */
interface ArchivedLine {
  /** The row's id in instance_logs. */
  id: string;
  line: string;
}

interface ArchivePage {
  /** Rows of the page that can be archived, oldest first. */
  lines: ArchivedLine[];
  /** The last row id read; undefined when the page reached rows that are too recent. */
  nextAfter: string | undefined;
}

export interface ArchiveRows {
  /** Reads the next `limit` rows after the row id `after`. */
  findOld(olderThanMs: number, after: string, limit: number): Promise<ArchivePage>;
  /**
   * Removes the rows that the audit has counted, and keeps their identities.
   * @returns the number removed
   */
  remove(ids: readonly string[]): Promise<number>;
}

export interface ArchiveFiles {
  /**
   * Durable when it resolves. The same lines under the same name are one file, whichever process writes them.
   */
  write(name: string, lines: readonly string[]): Promise<void>;
}

const rowsPerFile = 10_000;
const rowsPerRemoval = 500;

/**
 * Archives old rows page by page: first the page's file, then its removal in small steps. If the process dies
 * in between, the same rows are written again later; readers of the archive deduplicate by instance id.
 * @returns the number of rows archived
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
