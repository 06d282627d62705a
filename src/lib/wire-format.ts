// Protobuf's wire format (protobuf.dev/programming-guides/encoding), as far as Weir's messages use it:
// varints and length-delimited fields. proto3 omits zeros and empty texts.

const noBytes = Buffer.alloc(0);

/** A length-delimited field; its number must be below 16. */
export function bytesField(number: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(BigInt(payload.length)), payload]);
}

export function textField(number: number, text: string): Buffer {
  return text === '' ? noBytes : bytesField(number, Buffer.from(text));
}

/** A non-negative integer field; its number must be below 16. */
export function varintField(number: number, value: number | bigint): Buffer {
  return BigInt(value) === 0n ? noBytes : Buffer.concat([Buffer.from([number << 3]), varint(BigInt(value))]);
}

/** google.protobuf.Timestamp, with millisecond precision. */
export function timestampField(number: number, wallMs: number): Buffer {
  const seconds = Math.floor(wallMs / 1000);
  const nanos = (wallMs - seconds * 1000) * 1_000_000;
  return bytesField(number, Buffer.concat([varintField(1, seconds), varintField(2, nanos)]));
}

function varint(value: bigint): Buffer {
  const bytes = Buffer.alloc(10);
  return bytes.subarray(0, writeVarint(bytes, 0, value));
}

/** @returns where the next byte goes */
export function writeVarint(into: Buffer, at: number, value: bigint): number {
  // Two 32-bit halves: BigInt shifts for every seven bits would cost more than the rest of an event.
  let low = Number(value & 0xffff_ffffn);
  let high = Number(value >> 32n);
  while (high > 0 || low > 0x7f) {
    into[at++] = (low & 0x7f) | 0x80;
    low = ((low >>> 7) | ((high & 0x7f) << 25)) >>> 0;
    high >>>= 7;
  }
  into[at++] = low;
  return at;
}

/** A varint as an unsigned 64-bit integer, or the bytes of a length-delimited field (they share memory). */
export type FieldValue = bigint | Buffer;

/**
 * The fields of a message by number; for a repeated field the last value, as proto3 requires. Fixed-width
 * fields are skipped.
 *
 * @throws RangeError when the bytes are not a message
 */
export function readFields(message: Buffer): Map<number, FieldValue> {
  const fields = new Map<number, FieldValue>();
  let at = 0;
  const readVarint = (): bigint => {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = readByte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = readByte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a varint is longer than 10 bytes');
  };
  const readByte = (): number => {
    const byte = message[at++];
    if (byte === undefined) throw new RangeError('the message ends within a field');
    return byte;
  };
  const skip = (length: number): number => {
    if (length > message.length - at) throw new RangeError('a field is longer than the message');
    at += length;
    return at - length;
  };
  while (at < message.length) {
    const tag = Number(readVarint());
    const number = Math.floor(tag / 8);
    if (number === 0) throw new RangeError('field number 0');
    switch (tag % 8) {
      case 0:
        fields.set(number, readVarint());
        break;
      case 1:
        skip(8);
        break;
      case 2: {
        const length = Number(readVarint());
        const from = skip(length);
        fields.set(number, message.subarray(from, at));
        break;
      }
      case 5:
        skip(4);
        break;
      default:
        throw new RangeError(`wire type ${tag % 8}`);
    }
  }
  return fields;
}

/** @throws RangeError when the field is not of this kind */
export function readInteger(fields: ReadonlyMap<number, FieldValue>, number: number): bigint {
  const value = fields.get(number) ?? 0n;
  if (typeof value !== 'bigint') throw new RangeError(`field ${number} is not an integer`);
  return value;
}

/** @throws RangeError when the field is not of this kind; TypeError when it is not UTF-8 */
export function readText(fields: ReadonlyMap<number, FieldValue>, number: number): string {
  const value = fields.get(number) ?? noBytes;
  if (typeof value === 'bigint') throw new RangeError(`field ${number} is not text`);
  return utf8.decode(value);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Milliseconds since 1970; undefined when the field is missing. @throws RangeError */
export function readTimestamp(fields: ReadonlyMap<number, FieldValue>, number: number): number | undefined {
  const value = fields.get(number);
  if (value === undefined) return undefined;
  if (typeof value === 'bigint') throw new RangeError(`field ${number} is not a timestamp`);
  const inner = readFields(value);
  const seconds = BigInt.asIntN(64, readInteger(inner, 1));
  const nanos = BigInt.asIntN(64, readInteger(inner, 2));
  return Number(seconds * 1000n + nanos / 1_000_000n);
}
