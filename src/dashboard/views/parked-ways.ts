/**
 * What has to be done before a replay of an item of this reason can succeed. `replay`: nothing, or it was done elsewhere; `userId`: the buyer
 * must be named; `amount`: the amount must be accepted; `enable`, `create`: the product; `never`: it can only be discarded.
 */
type Way = 'replay' | 'userId' | 'amount' | 'enable' | 'create' | 'never';

const ways: Readonly<Record<string, Way>> = {
  USER_ID_INVALID: 'userId',
  ENTRY_DELETED: 'userId',
  PAYMENT_AMOUNT_MISMATCH: 'amount',
  PRODUCT_DISABLED: 'enable',
  PRODUCT_NOT_FOUND: 'create',
  PRODUCT_ID_INVALID: 'never',
  SOURCE_ID_INVALID: 'never',
  PURCHASE_CONFLICT: 'never',
  UNIT_SOLD_TWICE: 'never',
  RESULT_INVALID: 'never',
  RESULT_NOT_FOUND: 'never',
  NOTHING_TO_REPLAY: 'never',
};

export function findWay(reason: string): Way {
  return (Object.hasOwn(ways, reason) ? ways[reason] : undefined) ?? 'replay';
}
