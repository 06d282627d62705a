import type { ConfirmChannel, Options } from 'amqplib';
import { goldenEvent } from './golden-event.ts';

const firstInstanceId = 7_315_920_450_193_817_601n;

interface Flow {
  readonly queue: string;
  readonly count: number;
  /** How many messages may wait for their confirm at a time. */
  readonly window: number;
  readonly onConfirmed: (confirmed: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Resolves when the broker has confirmed all of them; rejects on the first one rejected or returned. The next
 * half window is written when half of it is confirmed: larger writes than one message per confirm, and the
 * broker never waits for work.
 */
export function publishConfirmed(channel: ConfirmChannel, flow: Flow): Promise<void> {
  const { queue, count, window, onConfirmed, signal } = flow;
  return new Promise((resolve, reject) => {
    let sent = 0;
    let confirmed = 0;
    const publishMore = () => {
      while (sent < count && sent - confirmed < window) {
        sent += 1;
        channel.publish('', queue, goldenEvent, messageProperties(sent), confirm);
      }
    };
    const confirm = (error: unknown) => {
      if (error || signal.aborted) return reject(error ?? signal.reason);
      confirmed += 1;
      if (confirmed % 1000 === 0) onConfirmed(confirmed);
      if (confirmed === count) resolve();
      else if (sent - confirmed <= window / 2) publishMore();
    };
    channel.once('return', () =>
      reject(new Error(`the broker returned a message: is there a queue ${queue}?`)),
    );
    channel.once('close', () => reject(new Error('the broker closed the channel')));
    publishMore();
  });
}

// The properties of Weir's own messages.
function messageProperties(sequence: number): Options.Publish {
  return {
    persistent: true,
    mandatory: true,
    contentType: 'application/octet-stream',
    type: 'INSTANCE_CREATED',
    messageId: String(firstInstanceId + BigInt(sequence)),
    timestamp: Math.floor(Date.now() / 1000),
    appId: 'weir',
  };
}
