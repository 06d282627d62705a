/**
 * The keys of a stream's sale, on the slot of the stream itself: `sale` its terms and counters, `units` from entry id to
 * sale number, buyer and place, `buyers` from buyer to how many he holds, `entries` from buyer to his last entry, `keys`
 * from buyer and idempotency key to the entry it made, `tickets` from holder to when he is admitted, each a hash; `order` the
 * list of buyers as they came.
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
    order: `${tag}:order`,
  };
}

/** The set of streams that have or had a sale. */
export const saleStreams = 'weir:sales';
