import type { Sale } from '../../api/answers.ts';
import { Api, type ApiOptions } from '../client/api.ts';
import { type ListOptions, printList } from '../client/list-pages.ts';
import { CliError, exitCodes } from '../exit-codes.ts';
import { printJson, printLine } from '../output/output.ts';
import { printFields, printTable, showTime } from '../output/table.ts';
import { readWhole } from './read-number.ts';
import { readTime } from './read-time.ts';

type SaleOptions = ApiOptions & { json?: boolean };

interface OpenOptions {
  stock: string;
  limit: string;
  starts?: string;
  ends?: string;
  tickets?: boolean;
  admit?: string;
}

export async function openSale(productId: string, options: SaleOptions & OpenOptions): Promise<number> {
  const sale = await new Api(options).post<Sale>('/v1/sales', {
    productId,
    stock: readWhole('--stock', options.stock, 1),
    perUserLimit: readWhole('--limit', options.limit, 1),
    ...(options.starts === undefined ? {} : { startsAt: readTime('--starts', options.starts, 'from now') }),
    ...(options.ends === undefined ? {} : { endsAt: readTime('--ends', options.ends, 'from now') }),
    ...(options.tickets ? { entry: 'ticket' } : {}),
    ...(options.admit === undefined ? {} : { admitPerSecond: readRate('--admit', options.admit) }),
  });
  return print(sale, options);
}

export function listSales(options: ListOptions): Promise<number> {
  return printList<Sale>('/v1/sales', {}, options, (items) => {
    if (items.length === 0) printLine('no sales');
    else {
      printTable(
        [
          ...['PRODUCT', 'STATE', 'STOCK', 'SOLD', 'LEFT'],
          { title: 'RESTOCKED', rank: 1 },
          { title: 'STARTS', rank: 3 },
          { title: 'ENDS', rank: 2 },
        ],
        items.map(({ productId, state, stock, sold, remaining, restocked, startsAt, endsAt }) => [
          productId,
          state,
          ...[stock, sold, remaining, restocked].map(String),
          showTime(startsAt),
          showTime(endsAt),
        ]),
      );
    }
  });
}

export async function showSale(productId: string, options: SaleOptions): Promise<number> {
  return print(await new Api(options).get<Sale>(pathOf(productId)), options);
}

export function changeSale(
  productId: string,
  action: 'pause' | 'resume' | 'end',
  options: SaleOptions,
): Promise<number> {
  return change(productId, { action }, options);
}

export function addStock(productId: string, units: string, options: SaleOptions): Promise<number> {
  return change(productId, { addStock: readWhole('units', units, 1) }, options);
}

export async function issueTicket(
  productId: string,
  userId: string,
  options: SaleOptions & { unit: string },
): Promise<number> {
  const body = { userId, unit: readWhole('--unit', options.unit, 1) };
  return print(await new Api(options).post<object>(`${pathOf(productId)}/tickets`, body), options);
}

export async function restockAgain(
  productId: string,
  options: SaleOptions & { since?: string },
): Promise<number> {
  const body = options.since === undefined ? {} : { since: readTime('--since', options.since) };
  const answer = await new Api(options).post<{ units: number }>(`${pathOf(productId)}/restock`, body);
  if (options.json) printJson(answer);
  else printLine(`Requested the restock of ${answer.units} units again`);
  return exitCodes.ok;
}

async function change(productId: string, body: object, options: SaleOptions): Promise<number> {
  return print(await new Api(options).patch<Sale>(pathOf(productId), body), options);
}

function pathOf(productId: string): string {
  return `/v1/sales/${encodeURIComponent(productId)}`;
}

function print(answer: object, { json }: SaleOptions): number {
  if (json) printJson(answer);
  else printFields(Object.entries(answer).map(([name, value]) => [name, String(value ?? '-')]));
  return exitCodes.ok;
}

function readRate(name: string, text: string): number {
  const rate = /^\d{1,7}(\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (rate <= 0) throw new CliError(exitCodes.usage, `${name} ${text}: expected a number above 0`);
  return rate;
}
