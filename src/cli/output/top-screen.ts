import type { Now } from '../../api/answers.ts';
import { describeStatement } from '../../api/describe.ts';
import { showControlCharacters } from '../../lib/show-control-characters.ts';
import { fitSections, type Section } from './fit-sections.ts';
import { drawSparkline, type MergedSeconds, measures, rateOf } from './merged-seconds.ts';
import { type Style, takeColumns, widthOf, wrapText } from './text.ts';

export type Paint = (style: Style, text: string) => string;

interface ScreenOptions {
  url: string;
  width: number;
  /** undefined: no limit. */
  height?: number;
  paint: Paint;
  /** undefined while Weir answers. */
  failure?: string | undefined;
}

/** A line as pieces, so that it is cut by visible columns and never within a color sequence. */
type Piece = string | readonly [Style, string];
type Line = readonly Piece[];

const titles = {
  purchases: 'Purchases',
  instances: 'Instances',
  failed: 'Failed',
  events: 'Events',
} as const;
const labelWidth = 12;
const rateWidth = 10;

/** Below this width, obvious labels give way to numbers. */
const narrow = 40;

/**
 * The screen of `weir top`, one string per line, none wider than the terminal; on a small terminal only what
 * matters most.
 */
export function drawScreen(now: Now, seconds: MergedSeconds, options: ScreenOptions): string[] {
  const { width, height = Number.POSITIVE_INFINITY } = options;
  const label = (text: string) => (width < narrow ? '' : text.padEnd(labelWidth));
  const isLow = height < 20;
  const sections: Section<Line>[] = [
    { name: 'address', rank: 0, lines: drawHead(now, options) },
    { name: 'rates', rank: 3, lines: drawRates(seconds, width) },
    { name: 'sources', rank: 5, lines: drawSources(now, seconds, width) },
    { name: 'delay', rank: 4, lines: drawDelay(now, width, label) },
    { name: 'waiting', rank: 1, lines: drawWaiting(now, label) },
    { name: 'stores', rank: 1, lines: drawStores(now, width, isLow, label) },
    { name: 'audit', rank: 2, lines: [[label('Audit'), ...drawAudit(now)]] },
  ];
  const describeMissing = (names: readonly string[]): Line => [
    ['yellow', `too small: enlarge to see ${names.join(', ')}`],
  ];
  return fitSections(sections, height, [], describeMissing).map((line) => paintLine(line, options));
}

function drawHead({ at, intakePaused }: Now, { url, height, failure }: ScreenOptions): Line[] {
  const isLive = height !== undefined;
  const clock = `${at.slice(0, 19).replace('T', ' ')} UTC`;
  return [
    [['bold', 'weir top'], isLive ? '  q quits' : '', `  ${url}  ${clock}`],
    ...(failure ? [[['red', failure] as const]] : []),
    ...(intakePaused ? [[['yellow', 'intake paused: too many events wait to be published'] as const]] : []),
  ];
}

function paintLine(line: Line, { width, paint }: ScreenOptions): string {
  let left = width;
  return line
    .map((piece) => {
      const [color, text] = typeof piece === 'string' ? [undefined, piece] : piece;
      const shown = takeColumns(showControlCharacters(text), left);
      left -= widthOf(shown);
      return color === undefined || shown === '' ? shown : paint(color, shown);
    })
    .join('');
}

const leastSparkline = 8;

/** Numbers are never cut: on a narrow screen the sparklines are omitted. */
function drawRates(seconds: MergedSeconds, width: number): Line[] {
  const room = width - labelWidth - rateWidth - 4;
  const hasSparklines = room >= leastSparkline;
  const rows = measures.map((measure): Line => {
    const values = seconds.values(measure);
    const start = [titles[measure].padEnd(labelWidth), `${showRate(rateOf(values))}/s`.padStart(rateWidth)];
    if (!hasSparklines) return start;
    const color = measure === 'failed' ? 'red' : 'cyan';
    return [...start, '  ', [color, drawSparkline(values, Math.min(values.length, room))]];
  });
  if (!hasSparklines) return rows;
  const span = `the last ${showMs(seconds.values('purchases').length * 1_000)}`;
  return [[['dim', `${''.padEnd(labelWidth)}${'now'.padStart(rateWidth)}  ${span}`]], ...rows];
}

/** The columns of the sources, in the order in which they are kept. */
const columnOrder = [0, 1, 4, 5, 3, 2];

function drawSources({ series, sources }: Now, seconds: MergedSeconds, width: number): Line[] {
  if (series.length === 0 && sources.length === 0) return [[['dim', 'no purchases lately']]];
  const head = ['SOURCE', 'PURCHASES/S', 'INSTANCES/S', 'FAILED/S', 'PROCESSING', 'SUCCESS %'];
  const byName = [...sources].sort((a, b) => (a.source < b.source ? -1 : 1));
  const rows = byName.map(({ source, processing, successRate }) => [
    source,
    ...(['purchases', 'instances', 'failed'] as const).map((measure) =>
      showRate(rateOf(seconds.values(measure, source))),
    ),
    showCount(Number(processing)),
    successRate ?? '-',
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const shown = new Set<number>();
  let left = width + 2;
  for (const column of columnOrder) {
    left -= (widths[column] ?? 0) + 2;
    if (left < 0) break;
    shown.add(column);
  }
  const align = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .filter((_, column) => shown.has(column))
      .join('  ');
  return [[['bold', align(head)]], ...rows.map((row): Line => [align(row)])];
}

function drawDelay({ delay }: Now, width: number, label: (text: string) => string): Line[] {
  if (!delay) return [[label('Delay'), ['dim', 'no results in the last minute']]];
  const { p50Ms, p99Ms, count } = delay;
  const halves = [`p50 ${showMs(p50Ms)}`, `p99 ${showMs(p99Ms)}`];
  if (width < narrow) return halves.map((half) => [`delay ${half}`]);
  return [
    [label('Delay'), halves.join('   '), ['dim', `   of ${showCount(count)} settled in the last minute`]],
  ];
}

function drawWaiting({ at, waiting }: Now, label: (text: string) => string): Line[] {
  return waiting.map(({ what, count, oldestAt }, index): Line => {
    const age =
      oldestAt === null
        ? ''
        : `   the oldest for ${showMs(Math.max(0, Date.parse(at) - Date.parse(oldestAt)))}`;
    const number = count === null ? 'unknown' : showCount(count);
    const color = ['overdue', 'parked'].includes(what) && count ? 'yellow' : undefined;
    const text = `${what.padEnd(11)}${number.padStart(9)}`;
    return [label(index === 0 ? 'Waiting' : ''), color ? [color, text] : text, ['dim', age]];
  });
}

/** `isLow`: healthy stores share a line. */
function drawStores({ stores }: Now, width: number, isLow: boolean, label: (text: string) => string): Line[] {
  const well = stores.filter(({ ok }) => ok);
  const rows: Line[] =
    isLow && well.length > 0
      ? [
          [['green', '✓'], ` ${well.map(({ name }) => name).join(', ')}`],
          ...stores.filter(({ ok }) => !ok).flatMap((store) => drawStore(store, width - label('').length)),
        ]
      : stores.flatMap((store) => drawStore(store, width - label('').length));
  return rows.map((row, index): Line => [label(index === 0 ? 'Stores' : ''), ...row]);
}

/** The reason is never cut: the kind is dropped first, then the reason is wrapped. */
function drawStore({ name, kind, ok, why }: Now['stores'][number], room: number): Line[] {
  if (ok === null) return [[['dim', `- ${name} (${kind}): this process does not use it`]]];
  if (ok) return [[['green', '✓'], ` ${name} (${kind})`]];
  const reason = why ? describeStatement(why) : 'unavailable';
  const full = `✗ ${name} (${kind}): ${reason}`;
  const text = showControlCharacters(full.length <= room ? full : `✗ ${name}: ${reason}`);
  return wrapText(text, room, room - 2).map(
    (line, index): Line => [['red', index === 0 ? line : `  ${line}`]],
  );
}

function drawAudit({ at, audit }: Now): Line {
  if (!audit) return [['dim', 'none yet']];
  const age = ` (${showMs(Math.max(0, Date.parse(at) - Date.parse(audit.auditedAt)))} ago)`;
  if (audit.ok) return [['green', '✓'], ' every sum holds', ['dim', age]];
  return [
    ['red', `✗ ${audit.exceptions} exceptions: weir audit`],
    ['dim', age],
  ];
}

function showRate(rate: number | undefined): string {
  if (rate === undefined) return '?';
  return rate >= 100 || Number.isInteger(rate) ? showCount(Math.round(rate)) : rate.toFixed(1);
}

function showCount(count: number): string {
  return count.toLocaleString('en-US');
}

function showMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}
