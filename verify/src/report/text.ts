import { ways } from '../history/operation.ts';
import type { Verdict } from '../verdict.ts';
import { describeGap, describeOutcome, describeRun, groupByKind, listFigures } from './describe.ts';

const width = 80;

/** The verdict for a terminal of 80 columns. */
export function formatText(verdict: Verdict): string {
  const { slowest, violations, allowed, notChecked } = verdict;
  return [
    describeOutcome(verdict),
    ...wrap(describeRun(verdict), ''),
    '',
    ...formatWays(verdict),
    '',
    ...listFigures(verdict).flatMap(([name, text]) => wrap(`${name.padEnd(10)} ${text}`, ' '.repeat(11))),
    ...(slowest ? wrap(`slowest    ${describeGap(slowest)}`, ' '.repeat(11)) : []),
    ...formatGroups('', violations),
    ...formatGroups('allowed: ', allowed),
    ...(notChecked.length > 0 ? ['', 'Not checked:'] : []),
    ...notChecked.flatMap((text) => wrap(`  ${text}`, '  ')),
    '',
  ].join('\n');
}

const columns = ['sent', 'ok', 'refused', 'unknown', 'repeats', 'lostAnswers'] as const;
const titles = ['sent', 'ok', 'refused', 'unknown', 'repeats', 'lost answers'];

function formatWays({ ways: figures }: Verdict): string[] {
  const widths = titles.map((title) => Math.max(7, title.length));
  const line = (cells: readonly (string | number)[]) =>
    cells.map((cell, i) => String(cell).padStart((widths[i] ?? 0) + 2)).join('');
  return [
    `${' '.repeat(8)}${line(titles)}`,
    ...ways
      .filter((way) => figures[way].sent > 0)
      .map((way) => `${way.padEnd(8)}${line(columns.map((column) => figures[way][column]))}`),
  ];
}

function formatGroups(prefix: string, violations: Verdict['violations']): string[] {
  return groupByKind(violations).flatMap(({ kind, meaning, count, shown }) => [
    '',
    ...wrap(`${prefix}${kind.toUpperCase()} (${count}): ${meaning}`, '  '),
    ...shown.flatMap(({ subject, detail }) => wrap(`  ${subject}: ${detail}`, '    ')),
    ...(count > shown.length ? [`  … and ${count - shown.length} more`] : []),
  ]);
}

/** At spaces; a word that is longer than a line is cut. */
function wrap(text: string, indent: string): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const end = space > indent.length ? space : width;
    lines.push(rest.slice(0, end).trimEnd());
    rest = indent + rest.slice(end).trimStart();
  }
  return [...lines, rest];
}
