import { widthOf } from './text.ts';

export interface Column {
  title: string;
  /** Room is given to the lowest rank first; 0, the default, is never left out. */
  rank?: number;
  /** Words that may be cut, or wrapped where `whole` is asked for. Ids, states and times are not. */
  isProse?: boolean;
}

export interface FittedColumns {
  /** The columns that are shown, by their index. */
  kept: number[];
  /** Of every column, by its index. */
  widths: number[];
  leftOut: number[];
}

/** Prose that is shorter says too little. */
const leastProse = 20;
/** Below that a terminal is too narrow for any rule; the first column still names the row. */
const leastWidth = 8;

/** Shows the columns that have room, in order of rank, then shortens the widest prose, at last the widest of the others. */
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
