import type { Page, Sale } from '../answers.ts';
import { get } from '../api.ts';

export async function findSales(signal?: AbortSignal): Promise<Sale[]> {
  return (await get<Page<Sale>>('sales', {}, signal)).items;
}
