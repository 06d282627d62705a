/**
 * The keys of a stream's sale, in the hash slot of the stream.
 *
 * - `sale`: hash, terms and counters
 * - `units`: hash, entry id → sale number, buyer and entry number
 * - `buyers`: hash, buyer → number of units held
 * - `entries`: hash, buyer → last entry and number of entries
 * - `keys`: hash, buyer and idempotency key → entry
 * - `tickets`: hash, holder → time of admission
 * - `used`: hash, ticket → the entry that it bought, in any sale of the stream
 * - `order`: list of buyers in order of their purchases
 *
 * All but `units` and `used` belong to the current sale only.
 */
export function saleKeys(stream: string) {
  const tag = `{${stream}}`;
  return {
    sale: `${tag}:sale`,
    units: `${tag}:units`,
    buyers: `${tag}:buyers`,
    entries: `${tag}:entries`,
    keys: `${tag}:keys`,
    tickets: `${tag}:tickets`,
    used: `${tag}:used`,
    order: `${tag}:order`,
  };
}

/** The set of streams that have or had a sale. */
export const saleStreams = 'weir:sales';

/**
 * Begins the keys that Weir writes to try a server. No product has the id 0, and an ACL for sales allows such keys anyway.
 */
export const usualTag = '{stream:seckill:0}';
