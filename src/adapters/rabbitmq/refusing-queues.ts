import type { Refusal } from '../../core/outbox/outbox.ts';
import type { Message } from '../../core/outbox/outbox-batch.ts';

/** The queues that accept nothing: from a batch of which they refused every message until they accept one. */
export class RefusingQueues {
  readonly #queueOf: (message: Message) => string;
  readonly #why = new Map<string, string>();

  constructor(queueOf: (message: Message) => string) {
    this.#queueOf = queueOf;
  }

  get explanation(): string | undefined {
    if (this.#why.size === 0) return undefined;
    return [...this.#why].map(([queue, why]) => `queue ${queue} accepts nothing: ${why}`).join('; ');
  }

  /** Records the queues that could not be declared. */
  learn(down: ReadonlyMap<string, string>): void {
    for (const [queue, why] of down) this.#why.set(queue, why);
  }

  /** Records the outcome of one batch. */
  judge(messages: readonly Message[], refusals: readonly Refusal[]): void {
    const refused = new Map(
      refusals.filter(({ byQueue }) => byQueue).map(({ message, why }) => [message, why]),
    );
    if (refused.size === 0 && this.#why.size === 0) return;
    for (const [message, why] of refused) this.#why.set(this.#queueOf(message), why);
    if (refused.size === messages.length) return;
    const accepted = messages.filter((message) => !refused.has(message));
    for (const queue of new Set(accepted.map(this.#queueOf))) this.#why.delete(queue);
  }
}
