import { signal } from '@preact/signals';
import type { Page, Product } from '../../api/answers.ts';
import { get } from '../api.ts';

const names = signal<ReadonlyMap<string, string>>(new Map());
let isAsked = false;

/** `1001 · General`; the id alone until the name is known, and of products behind the first page. */
export function nameProduct(id: string): string {
  if (!isAsked) learnNames();
  const name = names.value.get(id);
  return name === undefined ? id : `${id} · ${name}`;
}

async function learnNames(): Promise<void> {
  isAsked = true;
  try {
    const { items } = await get<Page<Product>>('products', { limit: 500 });
    names.value = new Map(items.map(({ id, name }) => [id, name]));
  } catch {
    isAsked = false;
  }
}
