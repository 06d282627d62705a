import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createEventEncoder,
  encodeTimestamp,
  instanceCreated,
  toDnsLabel,
} from '../../src/core/instance/instance-created.ts';
import type { Product } from '../../src/core/instance/product.ts';
import type { InstanceId, ProductId, UserId } from '../../src/core/instance/purchase.ts';
import { formatUserId } from '../../src/core/instance/user-id.ts';
import { readUserId } from '../support/read-user-id.ts';
import { EventSchema } from '../wire/weir/v1/event_pb.ts';
import { readEventVector } from './wire-contract.ts';

const int64Max = 2n ** 63n - 1n;
const int32Max = 2 ** 31 - 1;
const anyInt64 = fc.bigInt({ min: 1n, max: int64Max });
const anyText = (maxLength: number) => fc.string({ unit: 'binary', maxLength });
const int32 = (min: number) => fc.oneof(fc.integer({ min, max: 300 }), fc.integer({ min, max: int32Max }));

/**
 * Wider than the schema allows: a product with an empty image, or a name of punctuation only, is encoded too.
 */
const anyProduct: fc.Arbitrary<Product> = fc.record({
  id: anyInt64.map((id) => id as ProductId),
  name: fc.oneof(
    anyText(100),
    fc.stringMatching(/^[A-Za-z0-9 ()_-]{0,100}$/),
    fc.constantFrom('高性能显卡', '-'),
  ),
  cpus: int32(0),
  memoryMb: int32(0),
  gpu: int32(0),
  image: fc.oneof(anyText(200), fc.constant('')),
  priceCents: anyInt64,
  enabled: fc.boolean(),
  version: fc.integer({ min: 1, max: int32Max }),
});

/** From 1970 to the end of a Timestamp's range, weighted towards the present. */
const anyWallMs = fc.oneof(
  fc.integer({ min: 0, max: 253_402_300_799_999 }),
  fc.integer({ min: 1_700_000_000_000, max: 2_000_000_000_000 }),
  fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1000),
);

function encode(product: Product, instanceId: bigint, userId: bigint, wallMs: number): Buffer {
  return createEventEncoder(product)(instanceId as InstanceId, userId as UserId, encodeTimestamp(wallMs));
}

function encodeByGeneratedCodec(
  product: Product,
  instanceId: bigint,
  userId: bigint,
  wallMs: number,
): Buffer {
  const event = create(EventSchema, {
    eventType: instanceCreated,
    instanceId,
    userId: formatUserId(userId),
    name: `${toDnsLabel(product.name)}-${instanceId}`,
    spec: { cpus: product.cpus, memoryMb: product.memoryMb, gpu: product.gpu, image: product.image },
    timestamp: create(TimestampSchema, {
      seconds: BigInt(Math.floor(wallMs / 1000)),
      nanos: (wallMs % 1000) * 1_000_000,
    }),
  });
  return Buffer.from(toBinary(EventSchema, event));
}

const oneProduct: Product = {
  id: 1001n as ProductId,
  name: 'GPU Small',
  cpus: 4,
  memoryMb: 16_384,
  gpu: 1,
  image: 'ubuntu-22.04-cuda',
  priceCents: 19_900n,
  enabled: true,
  version: 1,
};

test('the Event of the wire contract comes out byte for byte', () => {
  const { bytes, ...event } = readEventVector();
  const userId = readUserId(event.userId);
  expect(userId).toBeDefined();
  const product = { ...oneProduct, ...event, name: event.name.replace(/-\d+$/, '') };
  const wallMs = Number(event.seconds) * 1000 + event.nanos / 1_000_000;
  expect(encode(product, event.instanceId, userId as bigint, wallMs).toString('hex')).toBe(
    bytes.toString('hex'),
  );
});

test('the event of the wire contract reads as its text says', () => {
  const { bytes, ...event } = readEventVector();
  const read = fromBinary(EventSchema, bytes);
  expect(read.eventType).toBe(event.eventType);
  expect(read.eventType).toBe(instanceCreated);
  expect(read.instanceId).toBe(event.instanceId);
  expect(read.userId).toBe(event.userId);
  expect(read.name).toBe(event.name);
  const { cpus, memoryMb, gpu, image } = event;
  expect(read.spec).toMatchObject({ cpus, memoryMb, gpu, image });
  expect(read.timestamp).toMatchObject({ seconds: event.seconds, nanos: event.nanos });
});

describe('the encoder and the generated codec', () => {
  test('both codecs agree byte for byte on every event', () => {
    fc.assert(
      fc.property(anyProduct, anyInt64, anyInt64, anyWallMs, (product, instanceId, userId, wallMs) => {
        expect(encode(product, instanceId, userId, wallMs).toString('hex')).toBe(
          encodeByGeneratedCodec(product, instanceId, userId, wallMs).toString('hex'),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test('both codecs agree at every length that an instance id can take', () => {
    for (let bits = 0n; bits < 63n; bits++) {
      for (const id of [2n ** bits, 2n ** (bits + 1n) - 1n]) {
        expect(encode(oneProduct, id, id, 1).toString('hex')).toBe(
          encodeByGeneratedCodec(oneProduct, id, id, 1).toString('hex'),
        );
      }
    }
  });

  test('both codecs agree on a product without GPU, without image, without anything', () => {
    for (const given of [
      { gpu: 0 },
      { image: '' },
      { name: '' },
      { cpus: 0, memoryMb: 0, gpu: 0, image: '' },
    ]) {
      const product = { ...oneProduct, ...given };
      expect(encode(product, 1n, 1n, 0).toString('hex')).toBe(
        encodeByGeneratedCodec(product, 1n, 1n, 0).toString('hex'),
      );
    }
  });
});

test('one encoder makes many events without mixing them', () => {
  const encodeOne = createEventEncoder(oneProduct);
  fc.assert(
    fc.property(fc.array(fc.tuple(anyInt64, anyInt64), { minLength: 2, maxLength: 20 }), (pairs) => {
      const timestamp = encodeTimestamp(1_790_000_000_123);
      const events = pairs.map(([id, user]) => encodeOne(id as InstanceId, user as UserId, timestamp));
      events.forEach((event, i) => {
        const [id, user] = pairs[i] as [bigint, bigint];
        expect(fromBinary(EventSchema, event)).toMatchObject({ instanceId: id, userId: formatUserId(user) });
      });
    }),
  );
});

test('a user id that the Resource Domain could not read back makes no event', () => {
  for (const userId of [0n, -1n, 2n ** 63n]) {
    expect(() => encode(oneProduct, 1n, userId, 0)).toThrow(
      expect.objectContaining({ code: 'USER_ID_INVALID' }),
    );
  }
});

describe('the name of an instance', () => {
  const anyName = fc.oneof(
    anyText(150),
    fc.string({ unit: 'grapheme', maxLength: 100 }),
    fc.stringMatching(/^[a-zA-Z0-9-]{0,100}$/),
  );

  test('the name of an instance is a DNS label of at most 63 characters', () => {
    fc.assert(
      fc.property(anyName, anyInt64, (name, instanceId) => {
        const { name: whole } = fromBinary(EventSchema, encode({ ...oneProduct, name }, instanceId, 1n, 0));
        expect(whole).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
        expect(whole.length).toBeLessThanOrEqual(63);
        expect(whole.endsWith(`-${instanceId}`)).toBe(true);
      }),
      { numRuns: 1_000, examples: [['x'.repeat(150), int64Max]] },
    );
  });

  test('the name of an instance begins with a label of 1 to 40 characters', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const label = toDnsLabel(name);
        expect(label).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
        expect(label.length).toBeLessThanOrEqual(40);
      }),
      { numRuns: 1_000 },
    );
  });

  test('the name of an instance keeps a name that is a label already', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]{1,8}(-[a-z0-9]{1,7}){0,4}$/), (label) => {
        expect(toDnsLabel(label)).toBe(label);
      }),
    );
  });

  test('the name of an instance does not change when it is made a label twice', () => {
    fc.assert(fc.property(anyName, (name) => toDnsLabel(toDnsLabel(name)) === toDnsLabel(name)));
  });

  test.each([
    ['GPU Small', 'gpu-small'],
    ['  4090 × 8 (旗舰) ', '4090-8'],
    ['高性能显卡实例', 'instance'],
    ['', 'instance'],
    ['---', 'instance'],
    ['🎮', 'instance'],
    ['a\u0000b', 'a-b'],
    ['x'.repeat(41), 'x'.repeat(40)],
    [`${'x'.repeat(39)}-y`, 'x'.repeat(39)],
  ])('a name becomes a DNS label (case %#)', (name, label) => {
    expect(toDnsLabel(name)).toBe(label);
  });
});

test('a timestamp has millisecond precision in both directions', () => {
  fc.assert(
    fc.property(anyWallMs, (wallMs) => {
      const { timestamp } = fromBinary(EventSchema, encodeTimestamp(wallMs));
      const read = Number(timestamp?.seconds ?? 0n) * 1000 + (timestamp?.nanos ?? 0) / 1_000_000;
      expect(read).toBe(wallMs);
    }),
  );
});
