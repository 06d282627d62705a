import { WeirError } from '../../errors.ts';
import type { UserId } from './purchase.ts';

const low62 = 2n ** 62n - 1n;
const uuidV8 = /^00000000-0000-800([01])-([89ab][0-9a-f]{3})-([0-9a-f]{12})$/;

/**
 * The Resource Domain's user id: a UUIDv8 (RFC 9562, section 5.8) that carries the int64 reversibly.
 * The low 62 bits are custom_c, bit 62 is the lowest bit of custom_b.
 *
 * @throws WeirError USER_ID_INVALID outside 1 … 2^63−1
 */
export function formatUserId(userId: bigint): string {
  if (userId < 1n || userId > 2n ** 63n - 1n) {
    throw new WeirError('USER_ID_INVALID', `a user id is 1 to 2^63-1, not ${userId}`);
  }
  const customC = (userId & low62).toString(16).padStart(16, '0');
  const clockSequence = (Number.parseInt(customC.slice(0, 4), 16) | 0x8000).toString(16);
  return `00000000-0000-800${userId >> 62n}-${clockSequence}-${customC.slice(4)}`;
}

/** The int64 behind a UUID made by formatUserId, or undefined when it was not. */
export function readUserId(uuid: string): UserId | undefined {
  const [, bit62, clockSequence, rest] = uuidV8.exec(uuid) ?? [];
  if (!bit62 || !clockSequence || !rest) return undefined;
  const value = (BigInt(bit62) << 62n) | (BigInt(`0x${clockSequence}${rest}`) & low62);
  return value >= 1n ? (value as UserId) : undefined;
}
