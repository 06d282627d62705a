import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Total } from '../../api/answers.ts';
import { WeirError } from '../../errors.ts';
import { type ListedPage, type ListSource, negotiateFormat } from './export-rows.ts';
import type { Exports } from './plugins/exports.ts';
import { listOf, readLimit } from './queries.ts';

export interface PageQuery {
  limit?: string | undefined;
  cursor?: string | undefined;
  /** Before what `Accept` says: a link cannot choose its headers. */
  format?: string | undefined;
  total?: string | undefined;
}

/** The most rows that are read for a total: some milliseconds more than a page, whatever the filter. */
const countedMost = 1_000;

/** The filter of a list's query. */
export function filterOf<Query extends PageQuery>(query: Query): Omit<Query, keyof PageQuery> {
  const { limit, cursor, format, total, ...filter } = query;
  return filter;
}

/**
 * One page as JSON, with `total` that of the filter, or all rows as a file.
 *
 * @throws WeirError REQUEST_INVALID, OVERLOADED
 */
export async function answerList<Item>(
  request: FastifyRequest,
  reply: FastifyReply,
  { limit, cursor, format, total }: PageQuery,
  source: ListSource<Item>,
  exports: Exports,
): Promise<FastifyReply | (ReturnType<typeof listOf<Item>> & { total?: Total })> {
  const wanted = format ?? negotiateFormat(request.headers.accept);
  if (wanted === 'csv' || wanted === 'ndjson') {
    if ((limit ?? cursor ?? total) !== undefined) {
      throw new WeirError(
        'REQUEST_INVALID',
        `limit, cursor and total must be left out with ${wanted}, which has every row`,
      );
    }
    return exports.send(request, reply, wanted, source);
  }
  const page = await source.read(readLimit(limit), cursor);
  const answer = listOf(page.items, page.nextCursor);
  if (total !== 'true') return answer;
  if (cursor === undefined && page.nextCursor === undefined) {
    return { ...answer, total: { count: page.items.length, isExact: true } };
  }
  return source.count === 'slow' ? answer : { ...answer, total: await count(source) };
}

async function count<Item>({ count: known, read }: ListSource<Item>): Promise<Total> {
  if (typeof known === 'function') return { count: await known(), isExact: true };
  const { items, nextCursor } = await read(countedMost, undefined);
  return { count: items.length, isExact: nextCursor === undefined };
}

/** `found` holds one more than `limit` where there is a next page; the id of its last item is the cursor. */
export function toPage<Found extends { id: string }, Item>(
  found: readonly Found[],
  limit: number,
  show: (one: Found) => Item,
): ListedPage<Item> {
  const page = found.slice(0, limit);
  return { items: page.map(show), nextCursor: found.length > limit ? page.at(-1)?.id : undefined };
}
