import type { Message } from './outbox-batch.ts';

/**
 * CREATED: the first publication of instances. AGAIN: a republication. RELEASE, REFUND: requests to other
 * services.
 */
export type BatchKind = 'CREATED' | 'AGAIN' | 'RELEASE' | 'REFUND';

export interface OutboxBatch {
  id: string;
  kind: BatchKind;
  events: number;
  /** Rejections by the broker. */
  attempts: number;
  /** Claims that the transport interrupted; they do not count against the batch. */
  interruptions: number;
  bytes: Buffer;
  createdAt: Date;
}

/** The result for a claimed batch; a batch without a verdict stays unchanged. */
export type Verdict =
  | { batch: OutboxBatch; kind: 'published' }
  /** Only `left` remains to be published, after `retryInMs`. `byQueue`: does not count against the batch. */
  | {
      batch: OutboxBatch;
      kind: 'delayed';
      left: Message[];
      bytes: Buffer;
      retryInMs: number;
      error: string;
      byQueue: boolean;
    }
  | { batch: OutboxBatch; kind: 'parked'; left: Message[]; error: string }
  | { batch: OutboxBatch; kind: 'damaged'; error: string };

/** Delay between two attempts at the same batch. */
export const retry = { firstMs: 200, maxMs: 30_000 };

export interface Outbox {
  /**
   * Claims the oldest due batches (at most `maxBatches`), passes them to `work` and applies its verdicts. No
   * other claim gets them while `work` runs. If it throws, or the process dies, they are free again
   * immediately.
   * @returns the number of batches claimed
   */
  claim(maxBatches: number, work: (batches: OutboxBatch[]) => Promise<Verdict[]>): Promise<number>;
  /** Makes batches due again that an interrupted claim had delayed. */
  retryInterrupted(): Promise<void>;
  /** Counts the events that wait to be published. */
  countWaiting(): Promise<number>;
}

export interface Refusal {
  message: Message;
  why: string;
  /** The queue accepts nothing at present: it is full, or its node is down. No fault of the message. */
  byQueue?: boolean;
}

export interface Publisher {
  /**
   * Resolves when the queue has confirmed every message, except the returned or nacked ones it lists.
   * @throws when the outcome is unknown: connection lost, deadline passed
   */
  publish(messages: Message[]): Promise<Refusal[]>;
  /** Why the queue cannot be reached; undefined while it can. */
  readonly notReady: string | undefined;
  /** Which queue accepts nothing at present, and why; undefined while all accept. */
  readonly refusing?: string | undefined;
  /** Resolves when the queue can be reached. Rejects on abort. */
  ready(signal: AbortSignal): Promise<void>;
}
