import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRefundRequest, createReleaseRequest } from '../../src/core/compensation/request-messages.ts';
import type { InstanceId, UserId } from '../../src/core/instance/purchase.ts';
import { asksForRelease, classifyResult } from '../../src/core/results/classify-result.ts';
import {
  createResult,
  decodeResult,
  encodeResult,
  maxReasonLength,
  timedOut,
} from '../../src/core/results/result.ts';
import { readFields } from '../../src/lib/wire-format.ts';
import { EventSchema, InstanceResultSchema } from '../wire/weir/v1/event_pb.ts';
import { OrderRefundRequestedSchema } from '../wire/weir/v1/order_refund_pb.ts';

const now = new Date('2026-11-24T07:00:00.123Z');
const anyId = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });
const anyDate = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });
const anyText = fc.string({ unit: 'grapheme', maxLength: 200 });

function toTimestamp(date: Date) {
  const ms = date.getTime();
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: (ms - seconds * 1000) * 1_000_000 };
}

describe('a result', () => {
  test('a result is read as the generated codec writes it', () => {
    fc.assert(
      fc.property(
        anyId,
        fc.constantFrom('SUCCESS', 'FAILED'),
        anyText,
        anyDate,
        (id, status, reason, date) => {
          const bytes = toBinary(
            InstanceResultSchema,
            create(InstanceResultSchema, { instanceId: id, status, reason, timestamp: toTimestamp(date) }),
          );
          const result = decodeResult(Buffer.from(bytes), now);
          expect(result.instanceId).toBe(id);
          expect(result.status).toBe(status);
          expect(result.answeredAt?.getTime()).toBe(date.getTime());
          if (status === 'SUCCESS') expect(result.reason).toBe('');
          else if (!reason.includes('\0')) expect(result.reason).toBe(reason || 'no reason given');
        },
      ),
    );
  });

  test('a result is written as the generated codec reads it', () => {
    fc.assert(
      fc.property(anyId, anyText, anyDate, (id, reason, answeredAt) => {
        const result = { instanceId: id as InstanceId, status: 'FAILED' as const, reason, answeredAt };
        const read = fromBinary(InstanceResultSchema, encodeResult(result));
        expect(read).toMatchObject({ instanceId: id, status: 'FAILED', reason });
        const { seconds, nanos } = toTimestamp(answeredAt);
        expect([read.timestamp?.seconds, read.timestamp?.nanos]).toEqual([seconds, nanos]);
      }),
    );
  });

  test('a result without a timestamp is dated by its arrival', () => {
    const bytes = toBinary(
      InstanceResultSchema,
      create(InstanceResultSchema, { instanceId: 5n, status: 'SUCCESS' }),
    );
    expect(decodeResult(Buffer.from(bytes), now).answeredAt).toEqual(now);
  });

  test('a result carries fields of a later version without harm', () => {
    const known = encodeResult({
      instanceId: 5n as InstanceId,
      status: 'SUCCESS',
      reason: '',
      answeredAt: now,
    });
    const unknown = Buffer.from([
      0x7a, 3, 1, 2, 3, 0x80, 1, 7, 0x89, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0x95, 1, 1, 2, 3, 4,
    ]);
    expect(decodeResult(Buffer.concat([unknown, known, unknown]), now).instanceId).toBe(5n);
  });

  test('a result with unreadable bytes is invalid', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          const { status } = decodeResult(Buffer.from(bytes), now);
          expect(['SUCCESS', 'FAILED']).toContain(status);
        } catch (error) {
          expect(error).toMatchObject({ code: 'RESULT_INVALID' });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['an instance id of 0', { instanceId: '0' }],
    ['a negative instance id', { instanceId: '-5' }],
    ['an instance id above 2^63-1', { instanceId: '9223372036854775808' }],
    ['another status', { status: 'BUILT' }],
    ['no status', { status: '' }],
    ['a date before 1970', { answeredAt: new Date(-1) }],
    ['a date after 9999', { answeredAt: new Date(8.64e15) }],
    ['a date that is none', { answeredAt: new Date(Number.NaN) }],
  ])('a result with %s is refused', (_, part) => {
    const whole = { instanceId: '5', status: 'FAILED', reason: 'x', answeredAt: now };
    expect(() => createResult({ ...whole, ...part })).toThrow(
      expect.objectContaining({ code: 'RESULT_INVALID' }),
    );
  });

  test('a result has a short reason that PostgreSQL can keep', () => {
    const given = { instanceId: '5', status: 'FAILED', answeredAt: now };
    const { reason } = createResult({ ...given, reason: `a\0b\ud800${'🎁'.repeat(1000)}` });
    expect(reason).not.toContain('\0');
    expect(reason.isWellFormed()).toBe(true);
    expect([...reason]).toHaveLength(maxReasonLength);
  });
});

describe('a result that meets a settled instance', () => {
  const answered = { status: 'SUCCESS' as const, reason: null, answeredAt: now };
  const failed = { status: 'FAILED' as const, reason: 'no', answeredAt: now };
  const givenUp = { status: 'FAILED' as const, reason: timedOut, answeredAt: null };
  const result = (status: 'SUCCESS' | 'FAILED') => ({
    instanceId: 5n as InstanceId,
    status,
    reason: '',
    answeredAt: now,
  });

  test.each([
    [answered, 'SUCCESS', 'repeat', false],
    [answered, 'FAILED', 'contradicts', false],
    [failed, 'FAILED', 'repeat', false],
    [failed, 'SUCCESS', 'contradicts', true],
    [givenUp, 'SUCCESS', 'late', true],
    [givenUp, 'FAILED', 'late', false],
    // A Resource Domain may use TIMEOUT for a failure of its own: that is a result like any other.
    [{ ...givenUp, answeredAt: now }, 'FAILED', 'repeat', false],
  ] as const)('a result for a settled instance is classified (case %#)', (ending, status, kind, release) => {
    expect(classifyResult(ending, result(status))).toBe(kind);
    expect(asksForRelease(ending, result(status))).toBe(release);
  });
});

describe('requests to others', () => {
  test('a release is an Event that names the instance', () => {
    const { id, body } = createReleaseRequest(2n ** 62n, 123n as UserId, now.getTime());
    expect(id).toBe(`release-${2n ** 62n}`);
    expect(fromBinary(EventSchema, body)).toMatchObject({
      eventType: 'INSTANCE_RELEASE_REQUESTED',
      instanceId: 2n ** 62n,
      userId: '00000000-0000-8000-8000-00000000007b',
      name: '',
    });
  });

  test('a refund reads as the generated codec has it', () => {
    fc.assert(
      fc.property(anyId, anyText, anyId, anyText, (instanceId, orderId, amountCents, reason) => {
        const refund = { instanceId, orderId, productId: 1001n, userId: 7n as UserId, amountCents, reason };
        const read = fromBinary(OrderRefundRequestedSchema, createRefundRequest(refund, now.getTime()).body);
        expect(read).toMatchObject({ orderId, instanceId, productId: 1001n, amountCents, reason });
        expect(read.timestamp).toMatchObject(toTimestamp(now));
      }),
    );
  });

  test('a request has an ASCII message id whatever the order id is', () => {
    const refund = {
      instanceId: 9n,
      orderId: '订'.repeat(64),
      productId: 1n,
      userId: 1n as UserId,
      reason: '',
    };
    expect(createRefundRequest({ ...refund, amountCents: undefined }, 0).id).toBe('refund-9');
  });
});

describe('the wire format', () => {
  test.each([
    ['a varint without an end', [0x08, 0xff]],
    ['a varint of 11 bytes', [0x08, ...Array(10).fill(0x80), 1]],
    ['a field longer than the message', [0x12, 5, 1]],
    ['a field number of 0', [0x00, 1]],
    ['a group', [0x0b]],
  ])('%s is refused', (_, bytes) => {
    expect(() => readFields(Buffer.from(bytes))).toThrow(RangeError);
  });

  test('the last of a repeated field counts', () => {
    expect(readFields(Buffer.from([8, 1, 8, 2])).get(1)).toBe(2n);
  });
});
