export interface Section<Line> {
  name: string;
  lines: readonly Line[];
  /** What is left out first where there is no room has the highest; 0 is never left out. */
  rank: number;
}

/** The sections with a blank line between them where there is room for that, else as many as fit, and which are missing. */
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
    // The line that says what is missing needs room as well.
    if (countLines() + (kept.size < sections.length ? 1 : 0) <= height || section.rank === 0) break;
    kept.delete(section);
  }
  const missing = sections.filter((section) => !kept.has(section)).map(({ name }) => name);
  const lines = [...kept].flatMap((section) => section.lines);
  return (missing.length === 0 ? lines : [...lines, describeMissing(missing)]).slice(0, Math.max(1, height));
}
