import { WeirError } from '../../errors.ts';
import {
  type FieldValue,
  readFields,
  readInteger,
  readText,
  readTimestamp,
  textField,
  timestampField,
  varintField,
} from '../../lib/wire-format.ts';
import { type InstanceId, parseInt64 } from '../instance/purchase.ts';

/** The type property of a result message. */
export const instanceResult = 'INSTANCE_RESULT';

/** The Resource Domain's answer: InstanceResult of proto/weir/v1/event.proto. */
export interface InstanceResult {
  instanceId: InstanceId;
  status: 'SUCCESS' | 'FAILED';
  /** The reason of a failure; '' on success. */
  reason: string;
  /** The result's timestamp, or its arrival time when it has none. undefined: timed out by Weir. */
  answeredAt: Date | undefined;
  /** W3C trace context of the result's sender. */
  traceparent?: string;
}

export const maxReasonLength = 500;
/** The reason that Weir records for an instance without a result. */
export const timedOut = 'TIMEOUT';

/**
 * `cameAt` replaces a missing timestamp.
 * @throws WeirError RESULT_INVALID
 */
export function decodeResult(bytes: Buffer, cameAt: Date): InstanceResult {
  try {
    const fields = readFields(bytes);
    return createResult({
      instanceId: readInteger(fields, 1).toString(),
      status: readText(fields, 2),
      reason: readText(fields, 3),
      answeredAt: readAnsweredAt(fields) ?? cameAt,
    });
  } catch (error) {
    if (error instanceof WeirError) throw error;
    throw new WeirError('RESULT_INVALID', `not an InstanceResult: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function readAnsweredAt(fields: ReadonlyMap<number, FieldValue>): Date | undefined {
  const wallMs = readTimestamp(fields, 4);
  return wallMs === undefined ? undefined : new Date(wallMs);
}

/**
 * Validates the fields of a result.
 * @throws WeirError RESULT_INVALID
 */
export function createResult(given: {
  instanceId: string;
  status: string;
  reason: string;
  answeredAt: Date;
}): InstanceResult {
  const instanceId = parseInt64(given.instanceId);
  if (instanceId === undefined) throw unreadable(`not an instance id: ${given.instanceId.slice(0, 40)}`);
  if (given.status !== 'SUCCESS' && given.status !== 'FAILED') {
    throw unreadable(`a status is SUCCESS or FAILED, not ${JSON.stringify(given.status.slice(0, 40))}`);
  }
  if (!isStorable(given.answeredAt)) throw unreadable('the timestamp is out of range');
  return {
    instanceId: instanceId as InstanceId,
    status: given.status,
    reason: given.status === 'SUCCESS' ? '' : toReason(given.reason),
    answeredAt: given.answeredAt,
  };
}

function unreadable(message: string): WeirError {
  return new WeirError('RESULT_INVALID', message);
}

/** PostgreSQL text cannot contain NUL. A failure may have no reason. */
function toReason(text: string): string {
  const reason = text.replaceAll('\0', '\u2400').toWellFormed();
  return [...reason].slice(0, maxReasonLength).join('') || 'no reason given';
}

/** Limited to the years 1970 to 9999: outside of them ISO 8601 has another length. */
function isStorable(date: Date): boolean {
  const wallMs = date.getTime();
  return wallMs >= 0 && wallMs < Date.UTC(10_000, 0);
}

export function encodeResult({ instanceId, status, reason, answeredAt }: InstanceResult): Buffer {
  return Buffer.concat([
    varintField(1, instanceId),
    textField(2, status),
    textField(3, reason),
    ...(answeredAt ? [timestampField(4, answeredAt.getTime())] : []),
  ]);
}
