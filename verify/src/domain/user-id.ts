/** The UUID of a user, and back, as docs/events.md defines it: custom_c is the low 62 bits, bit 62 the lowest of custom_b. */

const low62 = (1n << 62n) - 1n;
const shape = /^00000000-0000-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function toUserUuid(userId: bigint): string {
  const version8 = (8n << 12n) | (userId >> 62n);
  const variant10 = (2n << 62n) | (userId & low62);
  const hex = variant10.toString(16);
  return `00000000-0000-${version8.toString(16)}-${hex.slice(0, 4)}-${hex.slice(4)}`;
}

/** undefined: not a UUID of a user. */
export function readUserUuid(uuid: string): bigint | undefined {
  if (!shape.test(uuid)) return undefined;
  const number = BigInt(`0x${uuid.replaceAll('-', '')}`);
  return (((number >> 64n) & 1n) << 62n) | (number & low62);
}
