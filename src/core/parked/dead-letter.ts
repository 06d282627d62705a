import { createHash } from 'node:crypto';
import { type ErrorCode, WeirError } from '../../errors.ts';
import { refundRequested, releaseRequested } from '../compensation/request-messages.ts';
import { instanceCreated } from '../instance/instance-created.ts';
import { parseInt64 } from '../instance/purchase.ts';
import type { BatchKind } from '../outbox/outbox.ts';
import { decodeResult, instanceResult } from '../results/result.ts';

/** A message on the dead-letter queue. */
export interface DeadMessage {
  messageId: string;
  type: string;
  body: Buffer;
  headers?: Readonly<Record<string, unknown>> | undefined;
}

/** How it is replayed: as an outbox batch of this kind, by settling it, or not at all (''). */
export type DeadLetterKind = BatchKind | 'RESULT' | '';

/** A message that a queue has dropped, and why. */
export interface DeadLetter {
  /** The queue that dead-lettered it. */
  queue: string;
  error: WeirError;
  messageId: string;
  messageType: string;
  kind: DeadLetterKind;
  instanceId: bigint | undefined;
  /** Identical each time the same message is dropped. */
  sourceId: string;
  original: Buffer;
}

/** RabbitMQ's reasons in the header x-death. */
const reasons: Readonly<Record<string, ErrorCode>> = {
  delivery_limit: 'DELIVERY_LIMIT',
  rejected: 'MESSAGE_REJECTED',
  expired: 'MESSAGE_EXPIRED',
  maxlen: 'QUEUE_FULL',
};

/** The broker had confirmed the event before dropping it, so a replay is a republication. */
const batchKinds: Readonly<Record<string, BatchKind>> = {
  [instanceCreated]: 'AGAIN',
  [releaseRequested]: 'RELEASE',
  [refundRequested]: 'REFUND',
};

export function readDeadLetter(message: DeadMessage, resultQueue: string, deadAt: Date): DeadLetter {
  const { messageId, type, body, headers } = message;
  const { queue, reason } = readDeath(headers);
  const isOurs = /^[\x21-\x7e]{1,128}$/.test(messageId) && Object.hasOwn(batchKinds, type);
  const isResult = type === instanceResult || queue === resultQueue;
  const kind = isOurs ? (batchKinds[type] as BatchKind) : isResult ? 'RESULT' : '';
  const name = `message ${messageId || '(without id)'} of type ${type || '(none)'}`;
  const error = new WeirError(
    reasons[reason] ?? 'DEAD_LETTERED',
    `queue ${queue || '(unknown)'} dropped ${name}: ${reason || 'no reason given'}`,
  );
  return {
    queue,
    error,
    messageId,
    messageType: kind === 'RESULT' ? instanceResult : type,
    kind,
    instanceId: kind === 'RESULT' ? readInstanceOfResult(body, deadAt) : readInstanceOfId(messageId),
    // Weir's message ids identify their bytes; other ids may not.
    sourceId: isOurs
      ? messageId
      : createHash('sha256').update(messageId).update('\0').update(body).digest('hex'),
    original: body,
  };
}

/** The latest death is first. */
function readDeath(headers: DeadMessage['headers']): { queue: string; reason: string } {
  const deaths = headers?.['x-death'];
  const last: unknown = Array.isArray(deaths) ? deaths[0] : undefined;
  const read = (name: 'queue' | 'reason'): string => {
    const own = last && typeof last === 'object' ? (last as Record<string, unknown>)[name] : undefined;
    const value = own ?? headers?.[`x-last-death-${name}`] ?? headers?.[`x-first-death-${name}`];
    return typeof value === 'string' ? value : '';
  };
  return { queue: read('queue'), reason: read('reason') };
}

function readInstanceOfId(messageId: string): bigint | undefined {
  return parseInt64(/^(?:release-|refund-)?(\d+)$/.exec(messageId)?.[1] ?? '');
}

function readInstanceOfResult(body: Buffer, deadAt: Date): bigint | undefined {
  try {
    return decodeResult(body, deadAt).instanceId;
  } catch {
    return undefined;
  }
}
