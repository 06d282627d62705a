import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPublishEncoder } from '../../src/adapters/rabbitmq/publish-frames.ts';
import { settings } from '../../src/config/settings.ts';
import type { Message } from '../../src/core/outbox/outbox-batch.ts';

interface AmqplibDefs {
  BasicPublish: number;
  BasicProperties: number;
}
interface AmqplibConnection {
  frameMax: number;
  channels: Record<number, { buffer: { write(bytes: Buffer): boolean } }>;
  sendMessage(
    channel: number,
    method: number,
    fields: object,
    properties: number,
    props: object,
    body: Buffer,
  ): void;
}

// Internals of amqplib; its version is pinned.
const inside = createRequire(createRequire(import.meta.url).resolve('amqplib'));
const defs: AmqplibDefs = inside('./lib/defs.js');
const { Connection }: { Connection: { prototype: AmqplibConnection } } = inside('./lib/connection.js');

const queueName = 'resource.instance.created';
const defaultFrameMax = 131_072;

/** The frames that amqplib itself writes for these messages. */
function encodeByAmqplib(
  queue: string,
  channel: number,
  messages: readonly Message[],
  frameMax = defaultFrameMax,
): Buffer {
  const written: Buffer[] = [];
  const connection: AmqplibConnection = Object.create(Connection.prototype);
  connection.frameMax = frameMax;
  connection.channels = { [channel]: { buffer: { write: (bytes) => written.push(bytes) > 0 } } };
  const fields = { exchange: '', routingKey: queue, mandatory: true, immediate: false, ticket: 0 };
  for (const { id, body, traceparent, createdAt, type = 'INSTANCE_CREATED' } of messages) {
    const props = {
      contentType: 'application/octet-stream',
      deliveryMode: 2,
      messageId: id,
      type,
      appId: 'weir',
      ...(traceparent ? { headers: { traceparent } } : {}),
      ...(createdAt ? { timestamp: Math.floor(createdAt.getTime() / 1000) } : {}),
    };
    connection.sendMessage(channel, defs.BasicPublish, fields, defs.BasicProperties, props, body);
  }
  return Buffer.concat(written);
}

const anyLength = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 600 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 200_000 }) },
);
const anyMessage: fc.Arbitrary<Message> = fc.record({
  id: fc.oneof(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(String), fc.stringMatching(/^[!-~]{1,255}$/)),
  body: fc.tuple(anyLength, fc.nat({ max: 255 })).map(([length, byte]) => Buffer.alloc(length, byte)),
  traceparent: fc.option(
    fc.oneof(fc.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/), fc.stringMatching(/^[ -~]{1,300}$/)),
    { nil: undefined },
  ),
  createdAt: fc.option(fc.date({ min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true }), {
    nil: undefined,
  }),
});
const plain: Message = { id: '1', body: Buffer.from('body'), traceparent: undefined, createdAt: undefined };
const anyChannel = fc.integer({ min: 1, max: 65_535 });

describe('the encoder and amqplib', () => {
  test('agree byte for byte on every message', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]{1,255}$/), anyChannel, anyMessage, (queue, channel, message) => {
        expectSame(
          createPublishEncoder(() => queue, channel)([message]),
          encodeByAmqplib(queue, channel, [message]),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('agree byte for byte on every batch', () => {
    fc.assert(
      fc.property(anyChannel, fc.array(anyMessage, { maxLength: 20 }), (channel, messages) => {
        expectSame(
          createPublishEncoder(() => queueName, channel)(messages),
          encodeByAmqplib(queueName, channel, messages),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('agree where a body is longer than the frame that the broker agreed to', () => {
    const frameMax = fc.constantFrom(4_096, 8_192, defaultFrameMax, 0xffff_ffff);
    const beside = fc.integer({ min: -2, max: 2 });
    fc.assert(
      fc.property(
        frameMax,
        fc.integer({ min: 1, max: 3 }),
        beside,
        anyMessage,
        (max, frames, more, given) => {
          const length = Math.min((max - 8) * frames + more, 300_000);
          const message = { ...given, body: createBody(length) };
          expectSame(
            createPublishEncoder(() => queueName, 1, max)([message, given]),
            encodeByAmqplib(queueName, 1, [message, given], max),
          );
        },
      ),
      { numRuns: 100 },
    );
  });

  test('agree on every queue name that the configuration accepts', () => {
    const anyQueue = fc.oneof(
      fc.stringMatching(/^[!-~]{1,255}$/),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
      fc.constantFrom('实例', 'größe', '🎁'),
    );
    fc.assert(
      fc.property(anyQueue, (queue) => {
        fc.pre(
          isAccepted(() => settings.data.rabbitmq.queue.parse(queue)) && Buffer.byteLength(queue) <= 255,
        );
        expectSame(createPublishEncoder(() => queue, 1)([plain]), encodeByAmqplib(queue, 1, [plain]));
      }),
      { numRuns: 300 },
    );
  });

  test('agree on a message without a body, which has no body frame', () => {
    const message = { ...plain, body: Buffer.alloc(0) };
    expectSame(createPublishEncoder(() => queueName, 1)([message]), encodeByAmqplib(queueName, 1, [message]));
  });

  test('agree on a traceparent that is empty: no header', () => {
    const message = { ...plain, traceparent: '' };
    expectSame(createPublishEncoder(() => queueName, 1)([message]), encodeByAmqplib(queueName, 1, [message]));
  });
});

test('a queue name that AMQP cannot carry is not accepted by the configuration', () => {
  const tooLong = '实'.repeat(86);
  expect(() => encodeByAmqplib(tooLong, 1, [plain])).toThrow(/routingKey/);
  expect(isAccepted(() => settings.data.rabbitmq.queue.parse(tooLong))).toBe(false);
});

test('each message goes to the queue of its type, under its type', () => {
  const types = ['ORDER_REFUND_REQUESTED', 'INSTANCE_CREATED', 'X', 'ORDER_REFUND_REQUESTED', undefined];
  const messages = types.map((type, i) => ({ ...plain, id: `${i}`, type }));
  const queueOf = (type: string) => `queue.of.${type}`;
  const expected = messages.map((message) =>
    encodeByAmqplib(queueOf(message.type ?? 'INSTANCE_CREATED'), 1, [message]),
  );
  expectSame(createPublishEncoder(queueOf, 1)(messages), Buffer.concat(expected));
});

test('each message of one type goes to the queue of its id', () => {
  const messages = ['1', '2', '3', '4'].map((id) => ({ ...plain, id }));
  const queueOf = (_: string, id: string) => `queue.${Number(id) % 2}`;
  const expected = messages.map((message) => encodeByAmqplib(queueOf('', message.id), 1, [message]));
  expectSame(createPublishEncoder(queueOf, 1)(messages), Buffer.concat(expected));
});

test('no message gives no bytes', () => {
  expect(createPublishEncoder(() => 'queue', 1)([])).toHaveLength(0);
});

test('one encoder serves many batches without mixing them', () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { minLength: 2, maxLength: 6 }), (messages) => {
      const encode = createPublishEncoder(() => 'queue', 7);
      const batches = messages.map((message) => encode([message]));
      expectSame(Buffer.concat(batches), encodeByAmqplib('queue', 7, messages));
    }),
    { numRuns: 50 },
  );
});

function createBody(length: number): Buffer {
  const body = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) body[i] = i % 251;
  return body;
}

function expectSame(ours: Buffer, theirs: Buffer): void {
  if (ours.equals(theirs)) return;
  const at = ours.findIndex((byte, i) => byte !== theirs[i]);
  const near = (bytes: Buffer) =>
    `${bytes.length} bytes, … ${bytes.toString('hex', Math.max(0, at - 4), at + 24)} …`;
  // Whole buffers of this size would fill the screen.
  expect(near(ours), `first difference at byte ${at}`).toBe(near(theirs));
}

function isAccepted(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}
