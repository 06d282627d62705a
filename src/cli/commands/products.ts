import type { Product } from '../../api/answers.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { type ListOptions, printList } from '../client/list-pages.ts';
import { exitCodes } from '../exit-codes.ts';
import { printJson, printLine } from '../output/output.ts';
import { printTable } from '../output/table.ts';
import { readWhole } from './read-number.ts';

type ProductOptions = ApiOptions & { json?: boolean };

interface NewProductOptions {
  name: string;
  cpus: string;
  memory: string;
  gpu: string;
  image: string;
  price: string;
}

export function listProducts(options: ListOptions): Promise<number> {
  return printList<Product>('/v1/products', {}, options, (items) => {
    if (items.length === 0) printLine('no products');
    else print(items);
  });
}

export async function createProduct(
  id: string,
  options: ProductOptions & NewProductOptions,
): Promise<number> {
  const product = await new Api(options).post<Product>('/v1/products', {
    id,
    name: options.name,
    cpus: readWhole('--cpus', options.cpus, 1),
    memoryMb: readWhole('--memory', options.memory, 1),
    gpu: readWhole('--gpu', options.gpu, 0),
    image: options.image,
    priceCents: options.price,
  });
  return printOne(product, options);
}

export async function switchProduct(id: string, enabled: boolean, options: ProductOptions): Promise<number> {
  const path = `/v1/products/${encodeURIComponent(id)}`;
  return printOne(await new Api(options).patch<Product>(path, { enabled }), options);
}

function printOne(product: Product, { json }: ProductOptions): number {
  if (json) printJson(product);
  else print([product]);
  return exitCodes.ok;
}

function print(products: readonly Product[]): void {
  printTable(
    [
      'PRODUCT',
      'STATE',
      { title: 'NAME', isProse: true },
      { title: 'CPUS', rank: 3 },
      { title: 'MEMORY MB', rank: 2 },
      { title: 'GPU', rank: 1 },
      { title: 'IMAGE', rank: 4, isProse: true },
      'PRICE CENTS',
    ],
    products.map(({ id, enabled, name, cpus, memoryMb, gpu, image, priceCents }) => [
      id,
      enabled ? 'enabled' : 'disabled',
      name,
      ...[cpus, memoryMb, gpu].map(String),
      image,
      priceCents,
    ]),
  );
}
