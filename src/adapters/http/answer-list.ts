import type { FastifyReply, FastifyRequest } from 'fastify';
import { WeirError } from '../../errors.ts';
import { type ListedPage, type ListSource, negotiateFormat } from './export-rows.ts';
import type { Exports } from './plugins/exports.ts';
import { listOf, readLimit } from './queries.ts';

export interface PageQuery {
  limit?: string | undefined;
  cursor?: string | undefined;
  /** Before what `Accept` says: a link cannot choose its headers. */
  format?: string | undefined;
}

/** One page as JSON, or all rows as a file. @throws WeirError REQUEST_INVALID, OVERLOADED */
export async function answerList<Item>(
  request: FastifyRequest,
  reply: FastifyReply,
  { limit, cursor, format }: PageQuery,
  source: ListSource<Item>,
  exports: Exports,
): Promise<FastifyReply | { items: readonly Item[]; nextCursor: string | null }> {
  const wanted = format ?? negotiateFormat(request.headers.accept);
  if (wanted === 'csv' || wanted === 'ndjson') {
    if (limit !== undefined || cursor !== undefined) {
      throw new WeirError(
        'REQUEST_INVALID',
        `limit and cursor must be left out with ${wanted}, which has every row`,
      );
    }
    return exports.send(request, reply, wanted, source);
  }
  const page = await source.read(readLimit(limit), cursor);
  return listOf(page.items, page.nextCursor);
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
