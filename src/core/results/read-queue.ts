import { backoffMs, pause } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { pauseBeforeRetry } from '../../lib/recovery.ts';

export interface MessageQueue<Message> {
  /** At least one message and at most `count`; none when `signal` aborts first. */
  take(count: number, signal: AbortSignal): Promise<Message[]>;
  /** They need not come again. */
  acknowledge(messages: readonly Message[]): Promise<void> | void;
  /** Takes nothing new, and returns nothing, until `resume`. */
  hold(): void;
  resume(): void;
  /** Returns what was taken and not acknowledged, for another process to take. */
  handBack(reason: string): void;
}

export interface ReadQueueDeps<Message> {
  queue: MessageQueue<Message>;
  messagesPerBatch: number;
  /** Its effect is committed when it resolves; it may be called again with the same messages. */
  handle: (messages: readonly Message[]) => Promise<void>;
  clock: Clock;
  onFailure: (error: unknown, attempt: number) => void;
}

/** As many messages in one batch make the next wait for `lingerMs`: fewer commits and acknowledgements for each. */
const flood = 20;
const lingerMs = 20;
const retry = { firstMs: 100, maxMs: 10_000 };
/** About half a second: a deadlock or a restarted connection is over by then. */
const failuresUntilHold = 3;
/**
 * Below the 30 minutes after which RabbitMQ takes back what was not acknowledged, and rare enough for a queue that
 * drops a message after 20 returns. Once in an outage: what was handed back is not taken again before it is over.
 */
export const handBackAfterMs = 15 * 60_000;

/**
 * Reads a queue until stopped; a message is acknowledged only when its effect is committed. What could not be handled is
 * tried again until it is: a database that is unavailable is no fault of the messages. Meanwhile it takes no others, so
 * that a replica that does reach the database gets them, and returns none, because the broker counts each return.
 */
export async function readQueue<Message>(deps: ReadQueueDeps<Message>, signal: AbortSignal): Promise<void> {
  const { queue, messagesPerBatch, handle, clock, onFailure } = deps;
  let messages: Message[] = [];
  let lastCount = 0;
  let failures = 0;
  let failingSinceMs = 0;
  let isHandedBack = false;
  while (!signal.aborted) {
    try {
      if (messages.length === 0) {
        // In a flood a moment's wait fills the commit; a single message is handled at once.
        if (lastCount >= flood && lastCount < messagesPerBatch) await pause(lingerMs, signal);
        messages = await queue.take(messagesPerBatch, signal);
        lastCount = messages.length;
      }
      if (messages.length > 0) await handle(messages);
      await queue.acknowledge(messages);
      messages = [];
      if (failures > 0) queue.resume();
      failures = 0;
      isHandedBack = false;
    } catch (error) {
      const nowMs = clock.monotonicMs();
      if (failures === 0) failingSinceMs = nowMs;
      onFailure(error, ++failures);
      if (failures === failuresUntilHold) queue.hold();
      if (!isHandedBack && nowMs - failingSinceMs >= handBackAfterMs) {
        // Perhaps only this process cannot reach the database. The batch in hand stays here as well: it shows
        // when the database is back, and handling it twice does no harm.
        isHandedBack = true;
        queue.handBack('messages could not be handled for 15 minutes');
      }
      await pauseBeforeRetry(backoffMs(failures, retry), signal);
    }
  }
}
