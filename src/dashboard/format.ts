import { locale, say } from './language.ts';

/** Grouped digits. Takes the API's decimal strings as well, which may lie beyond a JS number. */
export function formatCount(count: number | string): string {
  return new Intl.NumberFormat(locale()).format(typeof count === 'string' ? BigInt(count) : count);
}

export function formatList(names: readonly string[]): string {
  return new Intl.ListFormat(locale()).format(names);
}

/** A rate: one decimal below ten, none above. */
export function formatRate(perSecond: number): string {
  const digits = perSecond < 10 && !Number.isInteger(perSecond) ? 1 : 0;
  return new Intl.NumberFormat(locale(), {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(perSecond);
}

/** For the axis of a chart: 1500 as 1.5 K. */
export function formatCompact(value: number): string {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/** The two largest units that say something: `812 ms`, `3.1 s`, `4 min 12 s`, `2 d 3 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ${say('unit.ms')}`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} ${say('unit.s')}`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} ${say('unit.s')}`;
  const [large, small, step, unit, smallUnit] = pickUnits(seconds);
  const rest = Math.floor((seconds - large * step) / small);
  const head = `${formatCount(large)} ${unit}`;
  return rest === 0 ? head : `${head} ${rest} ${smallUnit}`;
}

function pickUnits(seconds: number): [large: number, small: number, step: number, string, string] {
  const [minute, hour, day] = [60, 3_600, 86_400];
  if (seconds < hour) return [Math.floor(seconds / minute), 1, minute, say('unit.min'), say('unit.s')];
  if (seconds < day) return [Math.floor(seconds / hour), minute, hour, say('unit.h'), say('unit.min')];
  return [Math.floor(seconds / day), hour, day, say('unit.d'), say('unit.h')];
}

/** A dash where there is nothing to take a share of. */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '–';
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 2 };
  return new Intl.NumberFormat(locale(), { style: 'percent', ...digits }).format(part / whole);
}

interface TimeOptions {
  isDateShown?: boolean;
  isExact?: boolean;
}

/** In local time as ISO 8601 writes it, the same in every language. `isExact`: to the millisecond. */
export function formatTime(at: Date, { isDateShown = true, isExact = false }: TimeOptions = {}): string {
  if (Number.isNaN(at.getTime())) return '–';
  const text = toLocal(at).toISOString();
  return text.slice(isDateShown ? 0 : 11, isExact ? 23 : 19).replace('T', ' ');
}

function toLocal(at: Date): Date {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
}

/** Of the API's cents, which may lie beyond a JS number: 19900 as 199.00. */
export function formatCents(cents: string): string {
  const padded = cents.padStart(3, '0');
  return `${formatCount(padded.slice(0, -2))}.${padded.slice(-2)}`;
}

/** Of this browser at that moment: `UTC+8`. */
export function formatZone(at: Date): string {
  const parts = new Intl.DateTimeFormat('en', { timeZoneName: 'shortOffset' }).formatToParts(at);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? 'GMT';
  return name.replace('GMT', 'UTC');
}

/** 2026-11-24 10:05:46.123 UTC */
export function formatUtc(at: Date): string {
  return `${at.toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

/** What an `<input type="datetime-local">` takes and gives, in local time. */
export function toLocalInput(at: Date | undefined): string {
  return at ? toLocal(at).toISOString().slice(0, 16) : '';
}

export function fromLocalInput(text: string): Date | undefined {
  const at = new Date(text);
  return text === '' || Number.isNaN(at.getTime()) ? undefined : at;
}
