import { WeirError } from '../../errors.ts';
import { type ProductId, parseProductId } from '../instance/purchase.ts';

export const streamPrefix = 'stream:seckill:';

/** Key of the stream that holds a product's winners. */
export function streamOf(productId: ProductId): string {
  return `${streamPrefix}${productId}`;
}

const entryId = /^(0|[1-9]\d{0,19})-(0|[1-9]\d{0,19})$/;
const uint64Max = 2n ** 64n - 1n;

/**
 * Requires an id in the stream's own spelling: another spelling would be another identity.
 * @throws WeirError SOURCE_ID_INVALID
 */
export function requireEntryId(text: string): void {
  const parts = entryId.exec(text)?.slice(1).map(BigInt) ?? [];
  if (parts.some((part) => part > 0n) && parts.every((part) => part <= uint64Max)) return;
  throw new WeirError('SOURCE_ID_INVALID', `not the id of a stream entry, such as 1795334847736-0: ${text}`);
}

/** @throws WeirError PRODUCT_ID_INVALID */
export function parseStreamKey(stream: string): ProductId {
  return parseProductId(stream.slice(streamPrefix.length));
}
