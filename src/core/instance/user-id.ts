import { WeirError } from '../../errors.ts';

const low62 = 2n ** 62n - 1n;

/**
 * Formats the Resource Domain's user id: a UUIDv8 (RFC 9562, section 5.8) that carries the int64 reversibly.
 * The low 62 bits are custom_c; bit 62 is the lowest bit of custom_b.
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
