import { createHash } from 'node:crypto';

/** PostgreSQL cannot index rows above 2,700 bytes. */
const maxKeyBytes = 1_000;
const keptLetters = 120;

/**
 * Returns the key; for a key too long for an index, its beginning and its digest. Different keys stay
 * different.
 */
export function shortenKey(key: string): string {
  // UTF-8 takes at most three bytes for each UTF-16 unit.
  if (key.length * 3 <= maxKeyBytes || Buffer.byteLength(key) <= maxKeyBytes) return key;
  const digest = createHash('sha256').update(key).digest('hex');
  return `${key.slice(0, keptLetters).toWellFormed()}… sha256:${digest}`;
}
