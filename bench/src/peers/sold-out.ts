/** Weir's answer for a sold-out sale. */
export const soldOut = {
  type: 'urn:weir:problem:sold-out',
  title: 'Sold out',
  status: 409,
  code: 'SOLD_OUT',
  detail: 'the sale of product 900001 is sold out',
  advice: 'Units may come back: ask again later, or not at all.',
};
