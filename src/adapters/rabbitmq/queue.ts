import type { ChannelModel } from 'amqplib';

export type QueueType = 'quorum' | 'classic';

export interface QueueTerms {
  queueType: QueueType;
  /** Where messages go that a queue would drop. */
  deadLetterQueue: string;
}

/**
 * More returns than a queue can see. Measured with 59 and more: without a limit RabbitMQ 4.0 drops the message after 20,
 * with -1 RabbitMQ 3.10 drops it after the first; with this both keep it.
 */
export const safeDeliveryLimit = 1_000_000_000;

/** The arguments of a queue that Weir makes: on no RabbitMQ from 3.10 to 4.x does it lose a message. */
export function queueArguments(queue: string, terms: QueueTerms): Record<string, unknown> {
  const { queueType, deadLetterQueue } = terms;
  // A classic queue refuses arguments that it does not know: it has neither a delivery limit nor a strategy.
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

/** The dead-letter queue before those that need it. */
export async function ensureQueues(
  connection: ChannelModel,
  queues: readonly string[],
  terms: QueueTerms,
  onWarning: (warning: string) => void,
): Promise<void> {
  for (const queue of new Set([terms.deadLetterQueue, ...queues])) {
    const warning = await ensureQueue(connection, queue, terms);
    if (warning) onWarning(warning);
  }
}

/**
 * Makes the queue durable where there is none; an existing one is used as it is.
 *
 * @returns a warning when it exists with other arguments, or may not be declared by us
 * @throws when it is a stream, which hands every message to every reader and drops the old ones
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

export interface Refusal {
  code: number;
  message: string;
}

/** @returns why the broker refuses the declaration; undefined where the queue is there with these arguments */
export async function declareQueue(
  connection: ChannelModel,
  queue: string,
  args: Record<string, unknown>,
  flags: { durable?: boolean; autoDelete?: boolean } = {},
): Promise<Refusal | undefined> {
  // A channel to throw away: a refused declaration closes it.
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
const preconditionFailed = 406;

function replyCode(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
