import type { SaleChange, SaleTerms } from '../../sale/sale.ts';
import { type Change, findChanges } from './activity.ts';

/** What an operator can change of a sale that runs. */
interface ChangeableSale {
  stock: number;
  isPaused: boolean;
  hasEnded: boolean;
}

export function describeOpening({ productId, ...terms }: SaleTerms): Change {
  return { action: 'SALE_OPENED', subjectId: productId.toString(), after: terms };
}

/** @returns undefined when the sale stood so already */
export function describeSaleChange(
  productId: bigint,
  { action }: SaleChange,
  before: ChangeableSale,
  after: ChangeableSale,
): Change | undefined {
  const pick = ({ stock, isPaused, hasEnded }: ChangeableSale) => ({ stock, isPaused, hasEnded });
  const changes = findChanges(pick(before), pick(after));
  return changes && { action: actionOf[action ?? 'addStock'], subjectId: productId.toString(), ...changes };
}

const actionOf = {
  pause: 'SALE_PAUSED',
  resume: 'SALE_RESUMED',
  end: 'SALE_ENDED',
  addStock: 'SALE_STOCK_ADDED',
} as const;
