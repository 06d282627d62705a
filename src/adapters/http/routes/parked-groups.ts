import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { ParkedGroups } from '../../../api/parked-shapes.ts';
import { closed, ProblemShape } from '../../../api/shapes.ts';
import type { ParkedFilter } from '../../../core/parked/parked-item.ts';
import { type ParkedDeps, ParkedFilterQuery } from './parked.ts';

export function addParkedGroups(http: FastifyInstance, { parked }: Pick<ParkedDeps, 'parked'>): void {
  http.get<{ Querystring: ParkedFilter }>(
    '/v1/parked/groups',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Counts of parked items by reason and origin, the most first',
        description: 'Only open items, unless state is given.',
        querystring: Type.Object(ParkedFilterQuery, closed),
        response: { 200: ParkedGroups, '4xx': ProblemShape },
      },
    },
    async ({ query }) => {
      const groups = await parked.countParked(query);
      return { items: groups.map((group) => ({ ...group, oldestAt: group.oldestAt.toISOString() })) };
    },
  );
}
