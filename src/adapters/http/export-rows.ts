import type { FastifyReply } from 'fastify';
import { toCsvLine } from '../../lib/csv.ts';

export type ExportFormat = 'csv' | 'ndjson';

export interface ListedPage<Item> {
  items: readonly Item[];
  nextCursor: string | undefined;
}

/** A list that is answered page by page, or exported as a whole. */
export interface ListSource<Item> {
  /** Of the file. */
  name: string;
  /** One page below `cursor`; the items as the API shows them. */
  read(limit: number, cursor: string | undefined): Promise<ListedPage<Item>>;
  /** How many items there are, where that is known; 'slow': not to be counted; undefined: some are read and counted. */
  count?: (() => Promise<number>) | 'slow' | undefined;
  /** Of the CSV file, in this order. */
  columns: readonly string[];
  /** The item with a value for each column: text, a number, null, or an object, which becomes JSON. */
  toRow(item: Item): Readonly<Record<string, unknown>>;
}

const types = { csv: 'text/csv', ndjson: 'application/x-ndjson' } as const;
const formats: Readonly<Record<string, ExportFormat>> = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
};

/** The type that `Accept` prefers out of those of a list, the first of equals. undefined: JSON, also for any other type. */
export function negotiateFormat(accept: string | undefined): ExportFormat | undefined {
  const wanted = (accept ?? '').split(',').flatMap((entry) => {
    const [type = '', ...params] = entry.split(';').map((part) => part.trim().toLowerCase());
    const isKnown =
      Object.hasOwn(formats, type) || ['application/json', 'application/*', '*/*'].includes(type);
    const quality = Number(params.find((param) => param.startsWith('q='))?.slice(2) ?? 1);
    return isKnown && quality > 0 ? [{ type, quality }] : [];
  });
  const [best] = wanted.sort((a, b) => b.quality - a.quality);
  return best && formats[best.type];
}

export function writeHead(reply: FastifyReply, format: ExportFormat, name: string): void {
  const type = format === 'csv' ? `${types.csv}; charset=utf-8; header=present` : types.ndjson;
  reply.type(type).header('content-disposition', `attachment; filename="weir-${name}.${format}"`);
}

interface Writing<Item> extends ListSource<Item> {
  format: ExportFormat;
  first: ListedPage<Item>;
  rowsPerPage: number;
}

/** A page of text at a time, each read when the one before is taken. */
export async function* writeRows<Item>(writing: Writing<Item>): AsyncGenerator<string> {
  const { format, first, columns, toRow, read, rowsPerPage } = writing;
  const toLine = (item: Item) => {
    if (format === 'ndjson') return `${JSON.stringify(item)}\n`;
    const row = toRow(item);
    return toCsvLine(columns.map((column) => showCell(row[column])));
  };
  if (format === 'csv') yield toCsvLine(columns);
  let page = first;
  for (;;) {
    if (page.items.length > 0) yield page.items.map(toLine).join('');
    if (page.nextCursor === undefined) return;
    page = await read(rowsPerPage, page.nextCursor);
  }
}

function showCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
