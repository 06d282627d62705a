import type { ConfirmChannel } from 'amqplib';
import type { Message } from '../../core/outbox/outbox-batch.ts';
import { createPublishEncoder } from './publish-frames.ts';

type OnConfirmed = (error: Error | null) => void;

/** The internals of amqplib that Weir uses; checked when a channel is opened. */
interface ChannelInside {
  ch: number;
  connection: { frameMax: number; channels: { buffer: { write(bytes: Buffer): boolean } }[] };
  pushConfirmCallback(onConfirmed: OnConfirmed): void;
}

/**
 * Publishes a batch with one write. amqplib keeps the connection, the channel and the list of unconfirmed
 * messages; only its encoding of single messages is bypassed.
 *
 * @throws when the internals of amqplib have changed; the version is pinned, and a test would fail first
 */
export function createBatchPublish(
  channel: ConfirmChannel,
  queueOf: (type: string, messageId: string) => string,
): (messages: readonly Message[], onConfirmed: (message: Message, error: Error | null) => void) => void {
  const inside = channel as unknown as ChannelInside;
  const slot = inside.connection?.channels?.[inside.ch];
  if (typeof slot?.buffer?.write !== 'function' || typeof inside.pushConfirmCallback !== 'function') {
    throw new Error(
      'Weir cannot use this version of amqplib: install the version that package-lock.json names',
    );
  }
  const encode = createPublishEncoder(queueOf, inside.ch, inside.connection.frameMax);
  return (messages, onConfirmed) => {
    slot.buffer.write(encode(messages));
    for (const message of messages) inside.pushConfirmCallback((error) => onConfirmed(message, error));
  };
}
