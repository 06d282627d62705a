/** One row of the archive: a line of JSON without its newline. */
export interface ArchivedLine {
  /** The row's id in instance_logs. */
  id: string;
  line: string;
}

export interface ArchiveRows {
  /** Rows that may leave, oldest first. */
  findOldest(olderThanMs: number, limit: number): Promise<ArchivedLine[]>;
  remove(ids: readonly string[]): Promise<void>;
}

export interface ArchiveFiles {
  /** On disk when it resolves. Called again with the same name it replaces the file. */
  write(name: string, lines: readonly string[]): Promise<void>;
}

export const rowsPerFile = 10_000;
const rowsPerRemoval = 500;

/**
 * Moves one file's worth of old rows: first the file, then the removal in small steps. Killed between the two, the same
 * rows are written again later; a reader of the archive takes an instance id once.
 *
 * @returns how many rows went
 */
export async function archiveOnce(
  rows: ArchiveRows,
  files: ArchiveFiles,
  olderThanMs: number,
  afterWrite: () => void = () => {},
): Promise<number> {
  const oldest = await rows.findOldest(olderThanMs, rowsPerFile);
  const [first, last] = [oldest[0], oldest.at(-1)];
  if (!first || !last) return 0;
  await files.write(
    `instances-${first.id}-${last.id}`,
    oldest.map(({ line }) => line),
  );
  afterWrite();
  for (let from = 0; from < oldest.length; from += rowsPerRemoval) {
    await rows.remove(oldest.slice(from, from + rowsPerRemoval).map(({ id }) => id));
  }
  return oldest.length;
}
