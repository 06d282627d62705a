import { backoffMs, pause } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { pauseBeforeRetry } from '../../lib/recovery.ts';

export interface MessageQueue<Message> {
  /** Returns between one and `count` messages; none when `signal` aborts first. */
  take(count: number, signal: AbortSignal): Promise<Message[]>;
  /** Prevents their redelivery. */
  acknowledge(messages: readonly Message[]): Promise<void> | void;
  /** Stops taking messages until `resume`; unacknowledged ones stay here. */
  pause(): void;
  resume(): void;
  /** Returns unacknowledged messages to the queue, for another process. */
  returnDeliveries(reason: string): void;
}

interface ReadQueueDeps<Message> {
  queue: MessageQueue<Message>;
  messagesPerBatch: number;
  /** Resolves after the effect is committed; may be called again with the same messages. */
  handle: (messages: readonly Message[]) => Promise<void>;
  clock: Clock;
  onFailure: (error: unknown, attempt: number) => void;
}

/**
 * After a batch of this size the next one waits for `lingerMs`, for fewer commits and acknowledgements per
 * message.
 */
const flood = 20;
const lingerMs = 20;
const retry = { firstMs: 100, maxMs: 10_000 };
/** About half a second, enough for a deadlock or a restarted connection to pass. */
const failuresUntilPause = 3;
/**
 * Less than RabbitMQ's acknowledgement timeout of 30 minutes, and rare enough for a queue that drops a
 * message after 20 returns. Happens once per outage: returned messages are not taken again before it ends.
 */
export const returnAfterMs = 15 * 60_000;

/**
 * Reads a queue until stopped, and acknowledges a message after its effect is committed. A failed batch is
 * retried until it succeeds. Meanwhile the process takes no other messages, so that a replica that reaches
 * the database gets them, and returns none, because the broker counts returns.
 */
export async function readQueue<Message>(deps: ReadQueueDeps<Message>, signal: AbortSignal): Promise<void> {
  const { queue, messagesPerBatch, handle, clock, onFailure } = deps;
  let messages: Message[] = [];
  let lastCount = 0;
  let failures = 0;
  let failingSinceMs = 0;
  let isReturned = false;
  while (!signal.aborted) {
    try {
      if (messages.length === 0) {
        // Under load a short wait fills the commit; a single message is handled immediately.
        if (lastCount >= flood && lastCount < messagesPerBatch) await pause(lingerMs, signal);
        messages = await queue.take(messagesPerBatch, signal);
        lastCount = messages.length;
      }
      if (messages.length > 0) await handle(messages);
      await queue.acknowledge(messages);
      messages = [];
      if (failures > 0) queue.resume();
      failures = 0;
      isReturned = false;
    } catch (error) {
      const nowMs = clock.monotonicMs();
      if (failures === 0) failingSinceMs = nowMs;
      onFailure(error, ++failures);
      if (failures === failuresUntilPause) queue.pause();
      if (!isReturned && nowMs - failingSinceMs >= returnAfterMs) {
        // Perhaps only this process cannot reach the database. It keeps the batch in hand as well, to detect
        // when the database is back; handling it twice is harmless.
        isReturned = true;
        queue.returnDeliveries('messages could not be handled for 15 minutes');
      }
      await pauseBeforeRetry(backoffMs(failures, retry), signal);
    }
  }
}
