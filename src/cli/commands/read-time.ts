import { CliError, exitCodes } from '../exit-codes.ts';

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Date accepts much more than ISO 8601: it reads `5` as May 2001. */
const iso = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/i;

/**
 * Reads a time of the command line into the form of the API. Without a zone it is local time; `15m` is 15
 * minutes ago, or from now where only a later time makes sense.
 *
 * @throws CliError
 */
export function readTime(name: string, text: string, relative: 'ago' | 'from now' = 'ago'): string {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const distanceMs = Number(count) * unitMs[unit as keyof typeof unitMs];
  const now = Date.now();
  const time = count
    ? new Date(relative === 'ago' ? now - distanceMs : now + distanceMs)
    : new Date(iso.test(text) ? text : Number.NaN);
  if (!Number.isNaN(time.getTime())) return time.toISOString();
  const example = `such as 2026-11-27T20:00:00Z, or 30s, 15m, 2h or 3d ${relative}`;
  throw new CliError(exitCodes.usage, `${name} must be a time ${example}, not "${text}"`);
}
