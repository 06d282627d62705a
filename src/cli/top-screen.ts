import { drawSparkline, type MergedSeconds, measures, type NowAnswer, rateOf } from './merged-seconds.ts';

export type Paint = (color: 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan', text: string) => string;

export interface ScreenOptions {
  url: string;
  width: number;
  /** Undefined: print all. */
  height?: number;
  paint: Paint;
  /** Undefined while it answers. */
  failure?: string | undefined;
}

/** A line as pieces, so that it is cut by what is seen of it and not in the middle of a color. */
type Piece = string | readonly [Parameters<Paint>[0], string];
type Line = readonly Piece[];

const titles = {
  purchases: 'Purchases',
  instances: 'Instances',
  failed: 'Failed',
  events: 'Events',
} as const;
const labelWidth = 12;
const rateWidth = 10;

/** What `weir top` shows, one string a line, none wider than the terminal. */
export function drawScreen(now: NowAnswer, seconds: MergedSeconds, options: ScreenOptions): string[] {
  const lines: Line[] = [
    [['bold', 'weir top'], `  ${options.url}  ${now.at.slice(0, 19).replace('T', ' ')} UTC`],
    ...(options.failure ? [[['red', options.failure] as const]] : []),
    ...(now.intakeHeld
      ? [[['yellow', 'the intake is held: too many events wait to be announced'] as const]]
      : []),
    [],
    ...measures.map((measure) => drawRate(titles[measure], seconds.values(measure), options.width)),
    [],
    ...drawSources(now, seconds),
    [],
    [pad('Delay'), ...drawDelay(now)],
    ...drawWaiting(now),
    ...now.stores.map((store, index): Line => [pad(index === 0 ? 'Stores' : ''), ...drawStore(store)]),
    [pad('Audit'), ...drawAudit(now)],
  ];
  const shown = options.height === undefined ? lines : lines.slice(0, Math.max(1, options.height));
  return shown.map((line) => paintLine(line, options));
}

function paintLine(line: Line, { width, paint }: ScreenOptions): string {
  let left = width;
  return line
    .map((piece) => {
      const [color, text] = typeof piece === 'string' ? [undefined, piece] : piece;
      const shown = [...text].slice(0, left).join('');
      left -= [...shown].length;
      return color === undefined || shown === '' ? shown : paint(color, shown);
    })
    .join('');
}

function drawRate(title: string, values: readonly (number | undefined)[], width: number): Line {
  const rate = rateOf(values);
  const line = drawSparkline(
    values,
    Math.max(8, Math.min(values.length, width - labelWidth - rateWidth - 4)),
  );
  const color = title === titles.failed ? 'red' : 'cyan';
  return [pad(title), `${showRate(rate)}/s`.padStart(rateWidth), '  ', [color, line]];
}

function drawSources({ series, sources }: NowAnswer, seconds: MergedSeconds): Line[] {
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
  const align = (row: readonly string[]) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return [[['bold', align(head)]], ...rows.map((row): Line => [align(row)])];
}

function drawDelay({ delay }: NowAnswer): Line {
  if (!delay) return [['dim', 'nothing was settled in the last minute']];
  const { p50Ms, p99Ms, count } = delay;
  return [
    `p50 ${showMs(p50Ms)}   p99 ${showMs(p99Ms)}`,
    ['dim', `   of ${showCount(count)} settled in the last minute`],
  ];
}

function drawWaiting({ at, waiting }: NowAnswer): Line[] {
  return waiting.map(({ what, count, oldestAt }, index): Line => {
    const age =
      oldestAt === null
        ? ''
        : `   the oldest for ${showMs(Math.max(0, Date.parse(at) - Date.parse(oldestAt)))}`;
    const number = count === null ? 'unknown' : showCount(count);
    const color = what === 'parked' && count ? 'yellow' : undefined;
    const text = `${what.padEnd(11)}${number.padStart(9)}`;
    return [pad(index === 0 ? 'Waiting' : ''), color ? [color, text] : text, ['dim', age]];
  });
}

function drawStore({ name, kind, ok, why }: NowAnswer['stores'][number]): Line {
  if (ok === null) return [['dim', `- ${name} (${kind}): this process does not use it`]];
  return ok ? [['green', '✓'], ` ${name} (${kind})`] : [['red', `✗ ${name} (${kind}): ${why ?? 'away'}`]];
}

function drawAudit({ at, audit }: NowAnswer): Line {
  if (!audit) return [['dim', 'none yet']];
  const age = ` (${showMs(Math.max(0, Date.parse(at) - Date.parse(audit.auditedAt)))} ago)`;
  if (audit.ok) return [['green', '✓'], ' every sum holds', ['dim', age]];
  return [
    ['red', `✗ ${audit.exceptions} exceptions: weir audit`],
    ['dim', age],
  ];
}

function pad(label: string): string {
  return label.padEnd(labelWidth);
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
