import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { adviceFor } from '../errors.ts';
import { ListQuery, listOf, readCursor, readLimit } from './shapes.ts';

export interface ParkedSummary {
  id: string;
  origin: string;
  reason: string;
  detail: string;
  source: string;
  scope: string;
  sourceId: string;
  parkedAt: Date;
}

export interface ParkedReader {
  listParked(limit: number, cursor: string | undefined): Promise<ParkedSummary[]>;
}

export function addParked(http: FastifyInstance, { parked }: { parked: ParkedReader }): void {
  http.get<{ Querystring: { limit?: string; cursor?: string } }>(
    '/v1/parked',
    {
      schema: {
        summary: 'What has been set aside with a reason, newest first',
        querystring: Type.Object(ListQuery, { additionalProperties: false }),
      },
    },
    async ({ query }) => {
      const limit = readLimit(query.limit);
      const found = await parked.listParked(limit + 1, readCursor(query.cursor));
      const page = found.slice(0, limit);
      const items = page.map((item) => ({ ...item, advice: adviceFor(item.reason) }));
      return listOf(items, found.length > limit ? page.at(-1)?.id : undefined);
    },
  );
}
