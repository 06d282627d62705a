import type { UserId } from '../../src/core/instance/purchase.ts';

const low62 = 2n ** 62n - 1n;
const uuidV8 = /^00000000-0000-800([01])-([89ab][0-9a-f]{3})-([0-9a-f]{12})$/;

/** The int64 behind a UUID made by formatUserId; undefined for any other UUID. */
export function readUserId(uuid: string): UserId | undefined {
  const [, bit62, clockSequence, rest] = uuidV8.exec(uuid) ?? [];
  if (!bit62 || !clockSequence || !rest) return undefined;
  const value = (BigInt(bit62) << 62n) | (BigInt(`0x${clockSequence}${rest}`) & low62);
  return value >= 1n ? (value as UserId) : undefined;
}
