import type { Clock } from '../../lib/clock.ts';
import { type MessageQueue, readQueue } from '../results/read-queue.ts';
import { type DeadLetter, type DeadMessage, readDeadLetter } from './dead-letter.ts';

interface TakeDeadLettersDeps {
  queue: MessageQueue<DeadMessage>;
  resultQueue: string;
  park: (letters: readonly DeadLetter[]) => Promise<void>;
  clock: Clock;
  onParked: (letters: readonly DeadLetter[]) => void;
  onFailure: (error: unknown, attempt: number) => void;
}

/** Small, because a message may be as large as the broker permits. */
export const deadLettersPerBatch = 20;

/** Parks dead letters until stopped, and acknowledges each message after it is parked. */
export function takeDeadLetters(deps: TakeDeadLettersDeps, signal: AbortSignal): Promise<void> {
  const { queue, resultQueue, park, clock, onParked, onFailure } = deps;
  const handle = async (messages: readonly DeadMessage[]) => {
    const deadAt = new Date(clock.wallMs());
    const letters = messages.map((message) => readDeadLetter(message, resultQueue, deadAt));
    await park(letters);
    onParked(letters);
  };
  return readQueue({ queue, messagesPerBatch: deadLettersPerBatch, handle, clock, onFailure }, signal);
}
