import { randomBytes } from 'node:crypto';
import type { StoredSale } from '../../sale/sale.ts';

/** Parses the hash of a sale, given as alternating names and values. @returns undefined when there is none */
export function readSaleHash(flat: readonly string[]): SaleHash | undefined {
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(flat[i] as string, flat[i + 1] as string);
  if (!fields.has('stock')) return undefined;
  const read = (name: string) => Number(fields.get(name) ?? 0);
  const readDate = (name: string) => (fields.get(name) ? new Date(read(name)) : undefined);
  return {
    number: read('number'),
    version: read('version'),
    nth: read('nth'),
    life: fields.get('life') ?? '',
    isRebuilding: fields.has('rebuild'),
    secret: fields.get('secret') ?? '',
    stock: read('stock'),
    perUserLimit: read('limit'),
    startsAt: readDate('startsMs'),
    endsAt: readDate('endsMs'),
    entry: fields.get('entry') === 'ticket' ? 'ticket' : 'open',
    admitPerSecond: fields.get('rate') ? read('rate') : undefined,
    tickets: read('tickets'),
    sold: read('sold'),
    remaining: read('remaining'),
    restocked: read('restocked'),
    isPaused: fields.get('isPaused') === '1',
    hasEnded: fields.get('hasEnded') === '1',
  };
}

interface SaleHash extends StoredSale {
  number: number;
  version: number;
  /** Units ever sold. */
  nth: number;
  life: string;
  isRebuilding: boolean;
  secret: string;
}

/** Identifies one set of counters: a new value each time they are created. */
export function newLife(): string {
  return randomBytes(8).toString('hex');
}
