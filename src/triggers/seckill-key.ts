import { type ProductId, parseProductId } from '../instance/purchase.ts';

export const streamPrefix = 'stream:seckill:';

/** The stream on which the winners of a product stand. */
export function streamOf(productId: ProductId): string {
  return `${streamPrefix}${productId}`;
}

/** @throws WeirError PRODUCT_ID_INVALID */
export function parseStreamKey(stream: string): ProductId {
  return parseProductId(stream.slice(streamPrefix.length));
}
