import { Api, type ApiOptions } from './api.ts';
import { CliError, exitCodes } from './exit-codes.ts';
import { printJson, printTable } from './table.ts';

interface SaleAnswer {
  productId: string;
  stock: number;
  sold: number;
  left: number;
  givenBack: number;
  perUserLimit: number;
  startsAt: string | null;
  endsAt: string | null;
  entry: string;
  admitPerSecond: number | null;
  tickets: number;
  state: string;
}

export type SaleOptions = ApiOptions & { json?: boolean };

interface OpenOptions {
  stock: string;
  limit: string;
  starts?: string;
  ends?: string;
  tickets?: boolean;
  admit?: string;
}

export async function openSale(productId: string, options: SaleOptions & OpenOptions): Promise<number> {
  const sale = await new Api(options).post<SaleAnswer>('/v1/sales', {
    productId,
    stock: readUnits('--stock', options.stock),
    perUserLimit: readUnits('--limit', options.limit),
    ...(options.starts === undefined ? {} : { startsAt: readTime('--starts', options.starts) }),
    ...(options.ends === undefined ? {} : { endsAt: readTime('--ends', options.ends) }),
    ...(options.tickets ? { entry: 'ticket' } : {}),
    ...(options.admit === undefined ? {} : { admitPerSecond: readRate('--admit', options.admit) }),
  });
  return print(sale, options);
}

export async function showSale(productId: string, options: SaleOptions): Promise<number> {
  return print(await new Api(options).get<SaleAnswer>(pathOf(productId)), options);
}

export function changeSale(
  productId: string,
  action: 'pause' | 'resume' | 'end',
  options: SaleOptions,
): Promise<number> {
  return change(productId, { action }, options);
}

export function addStock(productId: string, units: string, options: SaleOptions): Promise<number> {
  return change(productId, { addStock: readUnits('units', units) }, options);
}

export async function giveTicket(
  productId: string,
  userId: string,
  options: SaleOptions & { unit: string },
): Promise<number> {
  const body = { userId, unit: readUnits('--unit', options.unit) };
  return print(await new Api(options).post<object>(`${pathOf(productId)}/tickets`, body), options);
}

async function change(productId: string, body: object, options: SaleOptions): Promise<number> {
  return print(await new Api(options).patch<SaleAnswer>(pathOf(productId), body), options);
}

function pathOf(productId: string): string {
  return `/v1/sales/${encodeURIComponent(productId)}`;
}

function print(answer: object, { json }: SaleOptions): number {
  if (json) printJson(answer);
  else
    printTable(
      [],
      Object.entries(answer).map(([name, value]) => [name, String(value ?? '-')]),
    );
  return exitCodes.ok;
}

function readUnits(name: string, text: string): number {
  const units = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (units < 1) throw new CliError(exitCodes.usage, `${name} ${text}: expected an integer from 1`);
  return units;
}

function readRate(name: string, text: string): number {
  const rate = /^\d{1,7}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (rate <= 0) throw new CliError(exitCodes.usage, `${name} ${text}: expected a number above 0`);
  return rate;
}

/** Also without a zone, which is then the caller's own. */
function readTime(name: string, text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) {
    throw new CliError(exitCodes.usage, `${name} ${text}: expected a time such as 2026-11-27T20:00:00Z`);
  }
  return time.toISOString();
}
