import type { ConfirmChannel } from 'amqplib';
import type { Message } from '../../core/outbox/outbox-batch.ts';
import { createPublishEncoder } from './publish-frames.ts';

type OnConfirmed = (error: Error | null) => void;

/** What we use of amqplib outside its public interface; checked when a channel is opened. */
interface ChannelInside {
  ch: number;
  connection: { frameMax: number; channels: { buffer: { write(bytes: Buffer): boolean } }[] };
  pushConfirmCallback(onConfirmed: OnConfirmed): void;
}

/**
 * Publishes a batch with one write. amqplib keeps the connection, the channel and the book of unconfirmed messages;
 * only its encoding of each message by itself is passed by.
 *
 * @throws when amqplib's inside is not what it was: the version is pinned, and a test would say so first
 */
export function createBatchPublish(
  channel: ConfirmChannel,
  queueOf: (type: string) => string,
): (messages: readonly Message[], onConfirmed: (message: Message, error: Error | null) => void) => void {
  const inside = channel as unknown as ChannelInside;
  const slot = inside.connection?.channels?.[inside.ch];
  if (typeof slot?.buffer?.write !== 'function' || typeof inside.pushConfirmCallback !== 'function') {
    throw new Error('this amqplib cannot be used by Weir: install the version that package-lock.json names');
  }
  const encode = createPublishEncoder(queueOf, inside.ch, inside.connection.frameMax);
  return (messages, onConfirmed) => {
    slot.buffer.write(encode(messages));
    for (const message of messages) inside.pushConfirmCallback((error) => onConfirmed(message, error));
  };
}
