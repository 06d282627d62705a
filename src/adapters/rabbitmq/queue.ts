import type { ChannelModel } from 'amqplib';
import { LateAnswerError, withAnswerDeadline } from './answer-deadline.ts';

export type QueueType = 'quorum' | 'classic';

export interface QueueTerms {
  queueType: QueueType;
  /** Receives the messages that a queue would otherwise drop. */
  deadLetterQueue: string;
}

/**
 * More returns than a queue will ever count. Measured with 59 and more: without a limit RabbitMQ 4.0 drops
 * the message after 20 returns, with -1 RabbitMQ 3.10 drops it after the first; with this value both keep it.
 */
export const safeDeliveryLimit = 1_000_000_000;

/** The arguments of a queue created by Weir: it loses no message on any RabbitMQ from 3.10 to 4.x. */
export function queueArguments(queue: string, terms: QueueTerms): Record<string, unknown> {
  const { queueType, deadLetterQueue } = terms;
  // A classic queue refuses unknown arguments, and it has neither a delivery limit nor a strategy.
  const quorum = queueType === 'quorum';
  return {
    'x-queue-type': queueType,
    'x-overflow': 'reject-publish',
    ...(quorum && { 'x-delivery-limit': safeDeliveryLimit }),
    ...(queue !== deadLetterQueue && {
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': deadLetterQueue,
      ...(quorum && { 'x-dead-letter-strategy': 'at-least-once' }),
    }),
  };
}

/**
 * Creates the dead-letter queue before the queues that need it, and these in parallel.
 *
 * @returns the queues that are unavailable, with the reason: the node of a classic queue is down, a quorum queue has no leader
 */
export async function ensureQueues(
  connection: ChannelModel,
  queues: readonly string[],
  terms: QueueTerms,
  onWarning: (warning: string) => void,
): Promise<ReadonlyMap<string, string>> {
  const down = new Map<string, string>();
  const ensure = async (queue: string) => {
    try {
      const warning = await withAnswerDeadline(ensureQueue(connection, queue, terms), declareDeadlineMs);
      if (warning) onWarning(warning);
    } catch (error) {
      if (!isDown(error)) throw error;
      down.set(queue, (error as Error).message);
    }
  };
  await ensure(terms.deadLetterQueue);
  await Promise.all([...new Set(queues)].filter((queue) => queue !== terms.deadLetterQueue).map(ensure));
  return down;
}

const declareDeadlineMs = 3_000;

/** RabbitMQ 3.10 reports that the node of the queue is down; 4.0 does not answer. */
function isDown(error: unknown): boolean {
  return error instanceof LateAnswerError || replyCode(error) === notFound;
}

/**
 * Creates the queue, durable, when it is missing; an existing one is used as it is.
 *
 * @returns a warning when it exists with other arguments, or when this user may not declare it
 * @throws when it is a stream, which delivers every message to every consumer and drops old ones
 */
export async function ensureQueue(
  connection: ChannelModel,
  queue: string,
  terms: QueueTerms,
): Promise<string | undefined> {
  const refusal = await declareQueue(connection, queue, queueArguments(queue, terms));
  if (!refusal) return undefined;
  if (refusal.code === accessRefused) {
    return `queue ${queue} may not be declared by this user and is used as it is: ${refusal.message}`;
  }
  if (/current is.*'stream'/.test(refusal.message)) {
    throw new Error(
      `cannot use queue ${queue}: it is a stream (delete it, or configure the name of another queue)`,
    );
  }
  return `queue ${queue} exists with other arguments and is used as it is: ${refusal.message}`;
}

interface Refusal {
  code: number;
  message: string;
}

/** @returns why the broker refuses the declaration; undefined when the queue exists with these arguments */
export async function declareQueue(
  connection: ChannelModel,
  queue: string,
  args: Record<string, unknown>,
  flags: { durable?: boolean; autoDelete?: boolean } = {},
): Promise<Refusal | undefined> {
  // A disposable channel: a refused declaration closes it.
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  try {
    await channel.assertQueue(queue, { durable: true, ...flags, arguments: args });
    await channel.close();
    return undefined;
  } catch (error) {
    const code = replyCode(error);
    if (code !== preconditionFailed && code !== accessRefused) throw error;
    return { code, message: (error as Error).message };
  }
}

// AMQP 0-9-1, section 1.1 (constants).
export const accessRefused = 403;
export const notFound = 404;
const preconditionFailed = 406;

function replyCode(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
