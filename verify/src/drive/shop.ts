import { randomBytes } from 'node:crypto';

export interface ShopProduct {
  id: string;
  name: string;
  cpus: number;
  memoryMb: number;
  gpu: number;
  image: string;
  priceCents: string;
}

export interface Terms {
  stock: number;
  perUserLimit: number;
}

/** What one run brings into the installation, so that nothing else there is judged: two products, one sale, a range of users. */
export interface Shop {
  /** Names the run. */
  id: string;
  startedAtMs: number;
  /** Of stream, order and instance. */
  plain: ShopProduct;
  /** Of the sale. */
  onSale: ShopProduct;
  /** undefined: nothing is bought in a sale. */
  terms: Terms | undefined;
  firstUser: bigint;
}

export const source = 'VERIFY';
/** The users of a run are one block of numbers. */
const usersOfRun = 1n << 32n;

export function createShop(terms: Terms | undefined): Shop {
  const random = randomBytes(8).readBigUInt64BE();
  const id = (random % 36n ** 8n).toString(36).padStart(8, '0');
  const productId = 900_000_000_000_000n + 2n * (random % 40_000_000_000_000n);
  const product = (number: bigint, kind: string): ShopProduct => ({
    ...{ id: number.toString(), name: `Verify ${id} ${kind}`, cpus: 4, memoryMb: 16_384, gpu: 1 },
    ...{ image: 'weir-verify', priceCents: '19900' },
  });
  return {
    ...{ id, startedAtMs: Date.now(), terms },
    plain: product(productId, 'plain'),
    onSale: product(productId + 1n, 'on sale'),
    // Above 2^53, so that a number that passes through a double is noticed; both halves of bit 62 occur.
    firstUser: ((random % (1n << 30n)) + (1n << 29n)) << 32n,
  };
}

export function isOurUser({ firstUser }: Shop, userId: string | undefined): boolean {
  if (userId === undefined) return false;
  const number = BigInt(userId);
  return number >= firstUser && number < firstUser + usersOfRun;
}

export const streamOf = (product: ShopProduct) => `stream:seckill:${product.id}`;

/** The DNS label that the name of each instance of the product begins with (docs/events.md, "Names"). */
export function labelOf({ name }: ShopProduct): string {
  return name.toLowerCase().replaceAll(' ', '-').slice(0, 40);
}
