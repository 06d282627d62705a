/**
 * The keys of a stream's sale, on the slot of the stream itself: `sale` its terms and counters, `units` from entry id to
 * sale number, buyer and place, `buyers` from buyer to how many units are held, `entries` from buyer to the last entry and how
 * many there have been, `keys` from buyer and idempotency key to the entry it made, `tickets` from holder to the time of
 * admission, `used` from ticket to the entry that it bought, in any sale of the stream; each a hash. `order` is the list of
 * buyers as they came. All but `units` and `used` are of the present sale.
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
