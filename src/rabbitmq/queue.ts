import type { ChannelModel } from 'amqplib';

export type QueueType = 'quorum' | 'classic';

/**
 * Makes the queue durable where there is none; an existing one is used as it is.
 *
 * @returns a warning when it exists with other arguments, or may not be declared by us
 */
export async function ensureQueue(
  connection: ChannelModel,
  queue: string,
  queueType: QueueType,
): Promise<string | undefined> {
  // A channel to throw away: a refused declaration closes it.
  const channel = await connection.createChannel();
  channel.on('error', () => {});
  try {
    await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': queueType } });
    await channel.close();
    return undefined;
  } catch (error) {
    const reply = replyCode(error);
    if (reply === preconditionFailed) {
      return `queue ${queue} exists with other arguments and is used as it is: ${(error as Error).message}`;
    }
    if (reply === accessRefused) {
      return `queue ${queue} may not be declared by this user and is used as it is: ${(error as Error).message}`;
    }
    throw error;
  }
}

// AMQP 0-9-1, section 1.1 (constants).
const accessRefused = 403;
const preconditionFailed = 406;

function replyCode(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
