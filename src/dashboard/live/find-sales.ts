import type { Page, Sale } from '../../api/answers.ts';
import { get } from '../api.ts';

const perPage = 50;

/** A page of sales in order of product id; each costs the store a question, and the page asks again and again. */
export function findSales(cursor: string | undefined, signal?: AbortSignal): Promise<Page<Sale>> {
  return get<Page<Sale>>('sales', { cursor, limit: perPage }, signal);
}

/** By the list, since a browser complains on its console of every 404. */
export async function findSale(productId: string): Promise<Sale | undefined> {
  const { items } = await get<Page<Sale>>('sales', { cursor: cursorBefore(productId), limit: 1 });
  return items.find((sale) => sale.productId === productId);
}

/** Of a page of sales that begins with this product. undefined: that is the first page. */
export function cursorBefore(productId: string): string | undefined {
  return BigInt(productId) > 1n ? String(BigInt(productId) - 1n) : undefined;
}
