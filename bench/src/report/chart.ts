import type { Unit } from './line.ts';

export interface Bar {
  readonly name: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** Weir's own bars are highlighted. */
  readonly isOurs: boolean;
}

export interface Chart {
  readonly title: string;
  readonly unit: Unit;
  readonly bars: readonly Bar[];
}

const width = 720;
const nameWidth = 300;
const valueWidth = 90;
const rowHeight = 26;
const barHeight = 14;
const top = 44;
const plotWidth = width - nameWidth - valueWidth - 16;

/** Horizontal bars from 0, each with its median; a thin line shows the range of its rounds. */
export function drawChart({ title, unit, bars }: Chart): string {
  const height = top + bars.length * rowHeight + 14;
  const highest = Math.max(...bars.map(({ most }) => most), Number.MIN_VALUE);
  const scale = (value: number) => Math.round((Math.max(0, value) / highest) * plotWidth * 10) / 10;
  const rows = bars.map(({ name, median, least, most, isOurs }, index) => {
    const y = top + index * rowHeight;
    const middle = y + barHeight / 2;
    const text = `${formatTick(median)} ${unit === '/s' ? '/s' : unit}`.replace(' /s', '/s');
    return `  <text class="name" x="${nameWidth - 8}" y="${middle + 4}">${escapeText(name)}</text>
  <rect class="${isOurs ? 'ours' : 'bar'}" x="${nameWidth}" y="${y}" width="${scale(median)}" height="${barHeight}" rx="2"/>
  <path class="spread" d="M${nameWidth + scale(least)} ${middle}H${nameWidth + scale(most)}"/>
  <text class="value" x="${nameWidth + scale(most) + 6}" y="${middle + 4}">${text}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(title)}">
  <style>
    text { font: 12px system-ui, sans-serif; fill: #1f2328; }
    .title { font-size: 14px; font-weight: 600; }
    .name { text-anchor: end; }
    .value { fill: #59636e; }
    .bar { fill: #a8b3bf; }
    .ours { fill: #0b6e4f; }
    .spread { stroke: #1f2328; stroke-width: 1.5; opacity: .55; }
    .ground { fill: #ffffff; }
  </style>
  <rect class="ground" width="${width}" height="${height}" rx="6"/>
  <text class="title" x="16" y="26">${escapeText(title)}</text>
${rows.join('\n')}
</svg>
`;
}

function formatTick(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(value >= 10 ? 1 : 2);
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
