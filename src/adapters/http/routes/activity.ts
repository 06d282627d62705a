import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { ActivityList, activityQuery } from '../../../api/activity-shapes.ts';
import { ProblemShape } from '../../../api/shapes.ts';
import {
  type ActivityFilter,
  type ActivityRecord,
  actions,
  subjectKinds,
} from '../../../ops/activity/activity.ts';
import { listOf, readCursor, readLimit, readTime } from '../queries.ts';

export interface ActivityDeps {
  /** Newest first, below the record `cursor`. */
  listActivity(filter: ActivityFilter, limit: number, cursor: string | undefined): Promise<ActivityRecord[]>;
}

const Query = activityQuery(actions, subjectKinds);

export function addActivity(http: FastifyInstance, { listActivity }: ActivityDeps): void {
  http.get<{ Querystring: Static<typeof Query> }>(
    '/v1/activity',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'The activity log: every change by an operator, newest first',
        description:
          'Each was written in the commit of the change, with the fields that changed before and after. Every filter ' +
          'narrows. At `from` or later, and before `to`.',
        querystring: Query,
        response: { 200: ActivityList, '4xx': ProblemShape },
      },
    },
    async ({ query }) => {
      const { limit: limitText, cursor, from, to, ...equal } = query;
      const limit = readLimit(limitText);
      const filter = { ...equal, from: readTime('from', from), to: readTime('to', to) };
      const found = await listActivity(filter, limit + 1, readCursor(cursor));
      const page = found.slice(0, limit);
      const items = page.map(({ at, ...record }) => ({ ...record, at: at.toISOString() }));
      return listOf(items, found.length > limit ? page.at(-1)?.id : undefined);
    },
  );
}
