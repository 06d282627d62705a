import { WeirError } from '../errors.ts';

/** Creates the error for a sale whose counters are being rebuilt from the database. */
export function rebuildingError(): WeirError {
  return new WeirError('STORE_UNAVAILABLE', 'the sale is closed while its counters are rebuilt');
}
