import type { Page, Total } from '../../api/answers.ts';
import { exitCodes } from '../exit-codes.ts';
import { printExport, printJson, printJsonLines, printLine } from '../output/output.ts';
import { Api, type ApiOptions } from './api.ts';

export interface ListOptions extends ApiOptions {
  /** One JSON document. */
  json?: boolean;
  /** One item per line, printed as it arrives. */
  ndjson?: boolean;
  /** Every page. */
  all?: boolean;
  limit: string;
  /** Every row, as the file that the server makes of the list. */
  format?: 'csv' | 'ndjson';
}

const itemsPerPage = '500';

/** Of the lists that the API counts, for their query: printed where there are more items than are shown. */
export const counted = { total: 'true' };

/** Prints a list from the API. `show` prints the items as text. */
export async function printList<Item>(
  path: string,
  { total: isCounted, ...filter }: Record<string, string | undefined>,
  options: ListOptions,
  show: (items: readonly Item[]) => void,
): Promise<number> {
  if (options.format) return exportList(path, filter, options.format, options);
  const isPrinted = !options.all && !options.json && !options.ndjson;
  const query = { ...filter, total: isPrinted ? isCounted : undefined };
  const items: Item[] = [];
  let nextCursor: string | null = null;
  let total: Total | undefined;
  for await (const page of readPages<Item>(path, query, options)) {
    if (options.ndjson) await printJsonLines(page.items);
    else items.push(...page.items);
    ({ nextCursor, total } = page);
  }
  if (options.ndjson) return exitCodes.ok;
  if (options.json) printJson({ items, nextCursor });
  else {
    show(items);
    if (nextCursor)
      printLine(`There are more items${sayTotal(total)}: use --all, a larger --limit, or a filter.`);
  }
  return exitCodes.ok;
}

function sayTotal(total: Total | undefined): string {
  if (!total) return '';
  return `, ${total.isExact ? '' : 'more than '}${total.count.toLocaleString('en-US')} in all`;
}

async function exportList(
  path: string,
  query: Record<string, string | undefined>,
  format: string,
  options: ApiOptions,
): Promise<number> {
  const asked = new URLSearchParams([...given(query), ['format', format]]);
  for await (const text of new Api(options).download(`${path}?${asked}`)) await printExport(text);
  return exitCodes.ok;
}

function given(query: Record<string, string | undefined>): [string, string][] {
  return Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
}

async function* readPages<Item>(
  path: string,
  query: Record<string, string | undefined>,
  options: ListOptions,
): AsyncGenerator<Page<Item>> {
  const api = new Api(options);
  const asked = new URLSearchParams([...given(query), ['limit', options.all ? itemsPerPage : options.limit]]);
  do {
    const page: Page<Item> = await api.get<Page<Item>>(`${path}?${asked}`);
    yield page;
    if (!options.all || !page.nextCursor) return;
    asked.set('cursor', page.nextCursor);
  } while (true);
}
