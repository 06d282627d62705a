import { aTime } from '../../api/shapes.ts';
import { parseInt64 } from '../../core/instance/purchase.ts';
import { WeirError } from '../../errors.ts';
import { isStorableTime } from '../../lib/storable-time.ts';

export function readLimit(limit: string | undefined): number {
  const value = Number(limit ?? 50);
  if (value > 500) throw new WeirError('REQUEST_INVALID', `limit must be 1 to 500, not ${limit}`);
  return value;
}

/**
 * @throws WeirError REQUEST_INVALID for leap seconds, impossible dates and the year 0, which the schema's
 * format accepts
 */
export function readTime(name: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const time = new Date(text);
  if (!isStorableTime(time)) throw new WeirError('REQUEST_INVALID', `${name} must be ${aTime}, not ${text}`);
  return time;
}

/** @returns the row id that a cursor contains */
export function readCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const value = parseInt64(cursor);
  if (value === undefined)
    throw new WeirError('REQUEST_INVALID', 'cursor must be the nextCursor of the previous page');
  return value.toString();
}

export function listOf<Item>(items: readonly Item[], nextCursor: string | undefined) {
  return { items, nextCursor: nextCursor ?? null };
}
