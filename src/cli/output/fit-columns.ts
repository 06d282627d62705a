import { widthOf } from './text.ts';

export interface Column {
  title: string;
  /** Space is given to the lowest rank first; columns of rank 0, the default, are always shown. */
  rank?: number;
  /** Text that may be truncated, or wrapped with `whole`. Ids, states and times are never truncated. */
  isProse?: boolean;
}

interface FittedColumns {
  /** Indexes of the columns that are shown. */
  kept: number[];
  /** Widths of all columns, by index. */
  widths: number[];
  leftOut: number[];
}

/** Shorter prose is not useful. */
const leastProse = 20;
/** Below that width no rule helps; the first column still names the row. */
const leastWidth = 8;

/**
 * Shows the columns that fit, in order of rank, then shortens the widest prose, finally the widest of the
 * others.
 */
export function fitColumns(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  room: number,
  gap: number,
): FittedColumns {
  const widths = columns.map(({ title }, column) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(row[column] ?? ''))),
  );
  const isProse = (column: number) => columns[column]?.isProse ?? false;
  const rankOf = (column: number) => columns[column]?.rank ?? 0;
  const widthOfColumn = (column: number) => widths[column] ?? 0;
  const least = (column: number) =>
    isProse(column) ? Math.min(widthOfColumn(column), leastProse) : widthOfColumn(column);
  const needed = (shown: readonly number[], width: (column: number) => number) =>
    shown.reduce((sum, column) => sum + width(column), gap * (shown.length - 1));

  const all = columns.map((_, column) => column);
  const kept = all.filter((column) => rankOf(column) === 0);
  for (const column of all.filter((column) => rankOf(column) > 0).sort((a, b) => rankOf(a) - rankOf(b))) {
    if (needed([...kept, column], least) <= room) kept.push(column);
  }
  kept.sort((a, b) => a - b);

  for (const mayShrink of [isProse, (column: number) => !isProse(column) && column !== 0]) {
    for (let excess = needed(kept, widthOfColumn) - room; excess > 0; excess--) {
      const widest = kept
        .filter((column) => mayShrink(column) && widthOfColumn(column) > leastWidth)
        .sort((a, b) => widthOfColumn(b) - widthOfColumn(a))[0];
      if (widest === undefined) break;
      widths[widest] = widthOfColumn(widest) - 1;
    }
  }
  return { kept, widths, leftOut: all.filter((column) => !kept.includes(column)) };
}
