import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { EventSchema, InstanceResultSchema } from '../wire/weir/v1/event_pb.ts';
import { OrderRefundRequestedSchema } from '../wire/weir/v1/order_refund_pb.ts';
import { readUserUuid } from './user-id.ts';

// The wire contract through the generated code of Buf, so that a mistake of Weir's own encoder shows.

export interface InstanceEvent {
  type: string;
  instanceId: string;
  /** undefined: not a UUID of a user. */
  userId: string | undefined;
  name: string;
  spec: { cpus: number; memoryMb: number; gpu: number; image: string } | undefined;
  hasTimestamp: boolean;
}

export interface RefundRequest {
  type: string;
  orderId: string;
  instanceId: string;
  productId: string;
  userId: string | undefined;
  amountCents: string;
  paymentId: string;
}

/** undefined: not an event. */
export function readEvent(body: Uint8Array): InstanceEvent | undefined {
  return tryTo(() => {
    const { eventType: type, instanceId, userId, name, spec, timestamp } = fromBinary(EventSchema, body);
    return {
      ...{ type, instanceId: instanceId.toString(), userId: readUserUuid(userId)?.toString(), name },
      spec: spec && { cpus: spec.cpus, memoryMb: spec.memoryMb, gpu: spec.gpu, image: spec.image },
      hasTimestamp: timestamp !== undefined,
    };
  });
}

/** undefined: not a refund request. */
export function readRefund(body: Uint8Array): RefundRequest | undefined {
  return tryTo(() => {
    const request = fromBinary(OrderRefundRequestedSchema, body);
    return {
      ...{ type: request.eventType, orderId: request.orderId, paymentId: request.paymentId },
      ...{ instanceId: request.instanceId.toString(), productId: request.productId.toString() },
      userId: readUserUuid(request.userId)?.toString(),
      amountCents: request.amountCents.toString(),
    };
  });
}

export function writeResult(instanceId: string, isSuccess: boolean, decidedAtMs: number): Buffer {
  const result = create(InstanceResultSchema, {
    instanceId: BigInt(instanceId),
    status: isSuccess ? 'SUCCESS' : 'FAILED',
    reason: isSuccess ? '' : 'no capacity (weir-verify)',
    timestamp: timestampFromMs(decidedAtMs),
  });
  return Buffer.from(toBinary(InstanceResultSchema, result));
}

function tryTo<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
