export interface Section<Line> {
  name: string;
  lines: readonly Line[];
  /** The section with the highest rank is omitted first; rank 0 is never omitted. */
  rank: number;
}

/**
 * Joins the sections with a blank line where there is space, otherwise as many as fit, and lists the missing
 * ones.
 */
export function fitSections<Line>(
  sections: readonly Section<Line>[],
  height: number,
  blank: Line,
  describeMissing: (names: readonly string[]) => Line,
): Line[] {
  const spaced = sections.flatMap(({ lines }, index) => (index === 0 ? lines : [blank, ...lines]));
  if (spaced.length <= height) return spaced;
  const kept = new Set(sections);
  const countLines = () => [...kept].reduce((sum, { lines }) => sum + lines.length, 0);
  for (const section of [...sections].sort((a, b) => b.rank - a.rank)) {
    // The line that lists the missing sections needs space too.
    if (countLines() + (kept.size < sections.length ? 1 : 0) <= height || section.rank === 0) break;
    kept.delete(section);
  }
  const missing = sections.filter((section) => !kept.has(section)).map(({ name }) => name);
  const lines = [...kept].flatMap((section) => section.lines);
  return (missing.length === 0 ? lines : [...lines, describeMissing(missing)]).slice(0, Math.max(1, height));
}
