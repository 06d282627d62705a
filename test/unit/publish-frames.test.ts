import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Message } from '../../src/outbox/frame.ts';
import { createPublishEncoder } from '../../src/rabbitmq/publish-frames.ts';

interface AmqplibDefs {
  BasicPublish: number;
  BasicProperties: number;
  encodeMethod(method: number, channel: number, fields: object): Buffer;
  encodeProperties(properties: number, channel: number, size: number, fields: object): Buffer;
}
interface AmqplibFrame {
  makeBodyFrame(channel: number, body: Buffer): Buffer;
}

// Inside amqplib; its version is pinned.
const inside = createRequire(import.meta.url);
const defs: AmqplibDefs = inside('amqplib/lib/defs.js');
const frame: AmqplibFrame = inside('amqplib/lib/frame.js');

/** What amqplib itself would write for one message (sendMessage in its lib/connection.js). */
function encodeByAmqplib(
  queue: string,
  channel: number,
  { id, body, traceparent, createdAt }: Message,
): Buffer {
  const method = defs.encodeMethod(defs.BasicPublish, channel, {
    exchange: '',
    routingKey: queue,
    mandatory: true,
    immediate: false,
    ticket: 0,
  });
  const header = defs.encodeProperties(defs.BasicProperties, channel, body.length, {
    contentType: 'application/octet-stream',
    deliveryMode: 2,
    messageId: id,
    type: 'INSTANCE_CREATED',
    appId: 'weir',
    ...(traceparent ? { headers: { traceparent } } : {}),
    ...(createdAt ? { timestamp: Math.floor(createdAt.getTime() / 1000) } : {}),
  });
  const bodyFrames = body.length > 0 ? [frame.makeBodyFrame(channel, body)] : [];
  return Buffer.concat([method, header, ...bodyFrames]);
}

function encodeAllByAmqplib(queue: string, channel: number, messages: readonly Message[]): Buffer {
  return Buffer.concat(messages.map((message) => encodeByAmqplib(queue, channel, message)));
}

const anyLength = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 600 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 100_000 }) },
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
const anyChannel = fc.integer({ min: 1, max: 65_535 });

describe('the encoder and amqplib', () => {
  test('agree byte for byte on every message', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[!-~]{1,255}$/), anyChannel, anyMessage, (queue, channel, message) => {
        const bytes = createPublishEncoder(queue, channel)([message]);
        expect(
          bytes.equals(encodeByAmqplib(queue, channel, message)),
          describeDifference(queue, channel, message),
        ).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('agree byte for byte on every batch', () => {
    fc.assert(
      fc.property(anyChannel, fc.array(anyMessage, { maxLength: 20 }), (channel, messages) => {
        const queue = 'resource.instance.created';
        const bytes = createPublishEncoder(queue, channel)(messages);
        expect(bytes.equals(encodeAllByAmqplib(queue, channel, messages))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('agree on every queue name that the configuration accepts', () => {
    const queueName = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((name) => /^\S{1,255}$/.test(name) && Buffer.byteLength(name) <= 255);
    const message = { id: '1', body: Buffer.from('body'), createdAt: undefined, traceparent: undefined };
    fc.assert(
      fc.property(queueName, (queue) => {
        const bytes = createPublishEncoder(queue, 1)([message]);
        expect(bytes.toString('hex')).toBe(encodeByAmqplib(queue, 1, message).toString('hex'));
      }),
      { numRuns: 300, examples: [['实例.已创建']] },
    );
  });

  test('agree on a message without a body, which has no body frame', () => {
    const message = { id: '1', body: Buffer.alloc(0), createdAt: undefined, traceparent: undefined };
    const bytes = createPublishEncoder('queue', 1)([message]);
    expect(bytes.toString('hex')).toBe(encodeByAmqplib('queue', 1, message).toString('hex'));
  });

  test('agree on a traceparent that is empty: no header', () => {
    const message = { id: '1', body: Buffer.from('body'), createdAt: undefined, traceparent: '' };
    const bytes = createPublishEncoder('queue', 1)([message]);
    expect(bytes.toString('hex')).toBe(encodeByAmqplib('queue', 1, message).toString('hex'));
  });
});

test('no message gives no bytes', () => {
  expect(createPublishEncoder('queue', 1)([])).toHaveLength(0);
});

test('one encoder serves many batches without mixing them', () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { minLength: 2, maxLength: 6 }), (messages) => {
      const encode = createPublishEncoder('queue', 7);
      const batches = messages.map((message) => encode([message]));
      expect(Buffer.concat(batches).equals(encodeAllByAmqplib('queue', 7, messages))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

function describeDifference(queue: string, channel: number, message: Message): string {
  const ours = createPublishEncoder(queue, channel)([message]);
  const theirs = encodeByAmqplib(queue, channel, message);
  const at = ours.findIndex((byte, i) => byte !== theirs[i]);
  return `${ours.length} and ${theirs.length} bytes, first difference at ${at}`;
}
