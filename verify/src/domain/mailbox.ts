import { createHash } from 'node:crypto';

/** Every message with one `message_id` on one queue, however often it came. */
export interface Received<Content> {
  messageId: string;
  type: string;
  content: Content;
  /** SHA-256 of each body that came under this id, in order of arrival; more than one breaks the contract. */
  bodies: string[];
  copies: number;
  firstAtMs: number;
}

/** What a consumer has seen, repeats removed by `message_id`. */
export class Mailbox<Content> {
  readonly #received = new Map<string, Received<Content>>();
  copies = 0;

  get messages(): Received<Content>[] {
    return [...this.#received.values()];
  }

  find(messageId: string): Received<Content> | undefined {
    return this.#received.get(messageId);
  }

  record(messageId: string, type: string, body: Buffer, content: Content): Received<Content> {
    const hash = hashOf(body);
    const known = this.#received.get(messageId);
    this.copies++;
    if (!known) {
      const first = { messageId, type, content, bodies: [hash], copies: 1, firstAtMs: Date.now() };
      this.#received.set(messageId, first);
      return first;
    }
    known.copies++;
    if (!known.bodies.includes(hash)) known.bodies.push(hash);
    return known;
  }
}

export function hashOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
