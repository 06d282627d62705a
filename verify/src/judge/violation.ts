/** What an installation can do wrong, worst first; also the order of the report. */
export const kinds = {
  lost: 'a purchase that was accepted has no instance, or an instance no event',
  doubled: 'one purchase has more than one instance',
  phantom: 'an instance or a message that no purchase asked for',
  'changed bytes': 'a message id came with two contents',
  'changed answer': 'a repeat was answered differently',
  'wrong content': 'an instance or a message is not what was bought or answered',
  oversold: 'a sale has more instances than stock',
  'over limit': 'a user has more instances than the limit of the sale',
  unbalanced: 'the counters of the sale, or table and API, disagree',
  'missing refund': 'the instance of an order failed, and its money was not asked back',
  'double refund': 'the money of one order was asked back more than once',
  'missing restock': 'units of failed instances are not back in the sale',
  'double restock': 'more units went back to the sale than instances failed',
  'missing release': 'an instance was given up, and its machine is not released',
  refused: 'a purchase was refused without a reason',
  stuck: 'something never settled',
} as const;

export type Kind = keyof typeof kinds;

export interface Violation {
  kind: Kind;
  /** What it is about: a purchase, an instance, a user. */
  subject: string;
  detail: string;
}

/** Time changes nothing about these; all others may only be late. */
const final: ReadonlySet<Kind> = new Set([
  'doubled',
  'changed bytes',
  'changed answer',
  'double refund',
  'refused',
]);

export function isFinal({ kind }: Violation): boolean {
  return final.has(kind);
}
