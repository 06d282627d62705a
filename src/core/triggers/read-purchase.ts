import { toWeirError, WeirError } from '../../errors.ts';
import {
  type ProductId,
  type Purchase,
  parseSaleUnit,
  parseTraceparent,
  parseUserId,
  type SourceId,
} from '../instance/purchase.ts';
import { parseStreamKey } from './seckill-key.ts';
import { type StreamEntry, seckill } from './seckill-streams.ts';

/** Reads the product id from a stream's key. */
export function readProductId(stream: string): ProductId | WeirError {
  try {
    return parseStreamKey(stream);
  } catch (error) {
    return toWeirError(error);
  }
}

/** The purchase of an entry, or why it has none. */
export function toPurchase(
  stream: string,
  productId: ProductId | WeirError,
  entry: StreamEntry,
): Purchase | WeirError {
  if (productId instanceof WeirError) return productId;
  if (!entry.fields) return new WeirError('ENTRY_DELETED', 'the entry was deleted before it was read');
  try {
    return {
      source: seckill,
      scope: stream,
      sourceId: entry.id as SourceId,
      productId,
      userId: parseUserId(entry.fields.uid),
      ...parseTraceparent(entry.fields.traceparent),
      ...parseSaleUnit(entry.fields.unit, entry.fields.key),
    };
  } catch (error) {
    return toWeirError(error);
  }
}
