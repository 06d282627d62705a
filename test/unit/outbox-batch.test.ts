import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBatch, encodeMessage, type Message } from '../../src/core/outbox/outbox-batch.ts';

const anyId = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(String);
const anyTraceparent = fc.option(fc.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/), {
  nil: undefined,
});
/** Lengths around each step of a varint, and random ones between. */
const anyLength = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 600 }) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 127, 128, 129, 16_383, 16_384, 16_385) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 200_000 }) },
);
const anyBody = fc.tuple(anyLength, fc.nat({ max: 255 })).map(([length, seed]) => createBody(length, seed));
const anyMessage: fc.Arbitrary<Message> = fc.record({
  id: anyId,
  body: anyBody,
  traceparent: anyTraceparent,
  type: fc.constantFrom(undefined, 'ORDER_REFUND_REQUESTED', 'INSTANCE_RELEASE_REQUESTED'),
});
const anyMessages = fc.array(anyMessage, { maxLength: 12 });
const anySmallMessages = fc.array(
  fc.record({
    id: anyId,
    body: fc.uint8Array({ maxLength: 200 }).map(Buffer.from),
    traceparent: anyTraceparent,
  }),
  { minLength: 1, maxLength: 6 },
);

/** Bytes that differ along the body, so that a shifted or swapped body is detected. */
function createBody(length: number, seed: number): Buffer {
  const body = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) body[i] = (i * 31 + seed) & 0xff;
  return body;
}

function encodeBatch(messages: readonly Message[]): Buffer {
  return Buffer.concat(messages.map(encodeMessage));
}

function readable({ id, body, traceparent, type }: Message): unknown {
  return { id, body: body.toString('base64'), traceparent, type };
}

describe('a batch', () => {
  test('a batch leaves out the usual type, as earlier versions wrote it', () => {
    const message = { id: '12', body: Buffer.from('body') };
    const bytes = encodeMessage({ ...message, type: 'INSTANCE_CREATED' });
    expect(bytes.equals(encodeMessage(message))).toBe(true);
    expect(bytes.toString('hex')).toBe('0a0a0231321204626f6479');
  });

  test('a batch returns every message in order, whatever its length', () => {
    fc.assert(
      fc.property(anyMessages, (messages) => {
        expect(decodeBatch(encodeBatch(messages)).map(readable)).toEqual(messages.map(readable));
      }),
      { numRuns: 300 },
    );
  });

  test('a batch returns messages at each length where a varint grows', () => {
    const lengths = [0, 1, 100, 127, 128, 16_300, 16_383, 16_384, 200_000, 2_097_151, 2_097_152];
    for (const length of lengths) {
      for (let around = length - 40; around <= length + 1; around += 7) {
        if (around < 0) continue;
        const message = { id: '7315920450193817601', body: createBody(around, 1), traceparent: undefined };
        expect(decodeBatch(encodeMessage(message)).map(readable)).toEqual([readable(message)]);
      }
    }
  });

  test('two batches in a row hold the messages of both', () => {
    fc.assert(
      fc.property(anyMessages, anyMessages, (first, second) => {
        const together = Buffer.concat([encodeBatch(first), encodeBatch(second)]);
        expect(decodeBatch(together).map(readable)).toEqual([...first, ...second].map(readable));
      }),
      { numRuns: 200 },
    );
  });

  test('an empty batch has no message', () => {
    expect(decodeBatch(Buffer.alloc(0))).toEqual([]);
  });

  test('a batch encodes the same message to the same bytes, read or new', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        const bytes = encodeMessage(message);
        const [read] = decodeBatch(bytes);
        expect(encodeMessage(read as Message).equals(bytes)).toBe(true);
        expect(encodeMessage(message).equals(bytes)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('a batch gives the time of its commit to each message', () => {
    const at = new Date('2026-11-22T08:00:00Z');
    const messages = decodeBatch(encodeBatch([messageOf('1'), messageOf('2')]), at);
    expect(messages.map(({ createdAt }) => createdAt)).toEqual([at, at]);
  });

  test('a batch reads an empty traceparent as none', () => {
    const bytes = encodeMessage({ ...messageOf('1'), traceparent: '' });
    expect(bytes.equals(encodeMessage(messageOf('1')))).toBe(true);
    expect(decodeBatch(bytes)[0]?.traceparent).toBeUndefined();
  });

  test('a batch is protobuf: length, then id, body and traceparent as fields 1, 2, 3', () => {
    const bytes = encodeMessage({ id: '12', body: Buffer.from([0xff]), traceparent: '00' });
    expect(bytes.toString('hex')).toBe(`0b${'0a023132'}${'1201ff'}${'1a023030'}`);
  });
});

describe('a damaged batch', () => {
  test('a damaged batch cut short anywhere throws, or ends exactly after a whole message', () => {
    fc.assert(
      fc.property(
        anySmallMessages,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (messages, part) => {
          const bytes = encodeBatch(messages);
          const cut = Math.floor(part * bytes.length);
          const ends = messages.map((_, i) => encodeBatch(messages.slice(0, i)).length);
          const whole = ends.indexOf(cut);
          if (whole < 0) expect(() => decodeBatch(bytes.subarray(0, cut))).toThrow(/damaged/);
          else expect(decodeBatch(bytes.subarray(0, cut))).toHaveLength(whole);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('a damaged batch throws with a byte missing at its end, at every place', () => {
    const bytes = encodeMessage({ id: '12', body: Buffer.from('body'), traceparent: '00-aa' });
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(() => decodeBatch(bytes.subarray(0, cut)), `cut at ${cut}`).toThrow(/damaged/);
    }
  });

  test('a batch with wrong bytes ends, throws or decodes within its own bytes', () => {
    const wrong = fc.record({ at: fc.nat({ max: 2_000 }), byte: fc.nat({ max: 255 }) });
    fc.assert(
      fc.property(anySmallMessages, fc.array(wrong, { minLength: 1, maxLength: 5 }), (messages, mistakes) => {
        const bytes = encodeBatch(messages);
        for (const { at, byte } of mistakes) bytes[at % bytes.length] = byte;
        expectOwnBytesOnly(bytes);
      }),
      { numRuns: 3_000 },
    );
  });

  test('a batch with bytes inserted or removed ends, throws or decodes within its bytes', () => {
    fc.assert(
      fc.property(
        anySmallMessages,
        fc.nat({ max: 2_000 }),
        fc.nat({ max: 3 }),
        fc.uint8Array({ maxLength: 4 }),
        (messages, at, removed, inserted) => {
          const bytes = encodeBatch(messages);
          const from = at % bytes.length;
          expectOwnBytesOnly(
            Buffer.concat([bytes.subarray(0, from), inserted, bytes.subarray(from + removed)]),
          );
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('a batch of arbitrary bytes ends, throws or decodes within its own bytes', () => {
    const varints = fc.array(fc.constantFrom(0x00, 0x01, 0x02, 0x0a, 0x12, 0x1a, 0x7f, 0x80, 0xff), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), varints), (bytes) => {
        expectOwnBytesOnly(Buffer.from(bytes));
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['one message of length 0', '00'],
    ['zeros', '00000000000000'],
    ['a length without an end', 'ffffffffffffffff'],
    ['a length of 2^28 - 1', 'ffffff7f'],
    ['a message without an id', '031201ff'],
    ['an id that ends behind its message', '020a05'],
    ['a length of a field that ends behind the batch', '060affffff7f00'],
    ['a tag without a length', '010a'],
  ])('a damaged batch of %s throws', (_, hex) => {
    expect(() => decodeBatch(Buffer.from(hex, 'hex'))).toThrow(/damaged/);
  });
});

function messageOf(id: string): Message {
  return { id, body: Buffer.from('body'), traceparent: undefined };
}

/**
 * Decodes the bytes inside a larger buffer of 0x58, none of which may appear in the result, and checks the
 * outcome.
 */
function expectOwnBytesOnly(bytes: Buffer): void {
  const around = Buffer.alloc(bytes.length + 64, 'X');
  bytes.copy(around, 32);
  const batch = around.subarray(32, 32 + bytes.length);
  let messages: Message[];
  try {
    messages = decodeBatch(batch);
  } catch (error) {
    expect((error as Error).message).toMatch(/^outbox batch is damaged near byte \d+ of \d+$/);
    return;
  }
  let used = 0;
  for (const { id, body, traceparent = '' } of messages) {
    expect(id).not.toBe('');
    used += id.length + body.length + traceparent.length;
    if (body.length > 0) {
      expect(body.buffer).toBe(batch.buffer);
      expect(body.byteOffset).toBeGreaterThanOrEqual(batch.byteOffset);
      expect(body.byteOffset + body.length).toBeLessThanOrEqual(batch.byteOffset + batch.length);
    }
  }
  // Each message has a length, and each field a tag and a length, so the content is shorter than the whole.
  expect(used).toBeLessThanOrEqual(batch.length);
}
