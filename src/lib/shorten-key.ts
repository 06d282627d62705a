import { createHash } from 'node:crypto';

/** An index of PostgreSQL takes no row above 2,700 bytes. */
const maxKeyBytes = 1_000;
const keptLetters = 120;

/** The key itself, or of one that no index could hold its beginning and its digest: as different as the keys were. */
export function shortenKey(key: string): string {
  // No letter takes more than three bytes for each of its UTF-16 units.
  if (key.length * 3 <= maxKeyBytes || Buffer.byteLength(key) <= maxKeyBytes) return key;
  const digest = createHash('sha256').update(key).digest('hex');
  return `${key.slice(0, keptLetters).toWellFormed()}… sha256:${digest}`;
}
