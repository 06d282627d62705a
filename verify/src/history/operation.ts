/** Named as in `weir load`. */
export const ways = ['stream', 'order', 'instance', 'buy'] as const;
export type Way = (typeof ways)[number];

export type Answer =
  /** `id`: the instance; of `stream` and `buy` the entry. */
  | { outcome: 'ok'; id: string }
  | { outcome: 'refused'; code: string }
  /** The answer is lost, or says that nothing is known. `isUndone`: certainly without effect. */
  | { outcome: 'unknown'; cause: string; isUndone?: boolean };

export type Outcome = Answer['outcome'];

export interface Attempt {
  sentAtMs: number;
  answeredAtMs: number;
  answer: Answer;
}

/** One purchase as its caller knows it. */
export interface Operation {
  /** From 0, over all ways. */
  number: number;
  way: Way;
  /** From 0, within its way. */
  ordinal: number;
  productId: string;
  userId: string;
  /** Source id, Idempotency-Key, or id of an order that is not made in Weir. */
  key: string;
  /** Of `order`. Undefined until Weir has made it. */
  orderId: string | undefined;
  /** The order is made in Weir before it is paid. */
  isMadeHere: boolean;
  startedAtMs: number;
  attempts: Attempt[];
}

/** The first accepted answer stands; else the last word of the installation. */
export function outcomeOf({ attempts }: Operation): Outcome {
  if (attempts.some(({ answer }) => answer.outcome === 'ok')) return 'ok';
  return attempts.at(-1)?.answer.outcome ?? 'unknown';
}

/** Each id once, in order of the answers. */
export function acceptedIds({ attempts }: Operation): string[] {
  const ids = attempts.flatMap(({ answer }) => (answer.outcome === 'ok' ? [answer.id] : []));
  return [...new Set(ids)];
}

/** Whether it may have had an effect that its caller does not know of. */
export function mayHaveHappened({ attempts }: Operation): boolean {
  return attempts.some(({ answer }) => answer.outcome === 'unknown' && !answer.isUndone);
}

export function nameOf({ way, key, orderId, userId }: Operation): string {
  if (way === 'stream') return `stream entry of user ${userId}`;
  return `${way} ${orderId ?? key}`;
}
