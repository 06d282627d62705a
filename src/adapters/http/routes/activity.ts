import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { ActivityList, activityQuery } from '../../../api/activity-shapes.ts';
import { listAnswers, ProblemShape } from '../../../api/shapes.ts';
import {
  type ActivityFilter,
  type ActivityRecord,
  actions,
  subjectKinds,
} from '../../../ops/activity/activity.ts';
import { answerList, filterOf, toPage } from '../answer-list.ts';
import { activityExport } from '../export-columns.ts';
import type { Exports } from '../plugins/exports.ts';
import { readCursor, readTime } from '../queries.ts';

export interface ActivityDeps {
  /** Newest first, below the record `cursor`. */
  listActivity(filter: ActivityFilter, limit: number, cursor: string | undefined): Promise<ActivityRecord[]>;
}

const Query = activityQuery(actions, subjectKinds);

export function addActivity(http: FastifyInstance, { listActivity }: ActivityDeps, exports: Exports): void {
  http.get<{ Querystring: Static<typeof Query> }>(
    '/v1/activity',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'The activity log: every change by an operator, newest first',
        description:
          'Each record was written in the commit of its change, with the changed fields before and after. All filters ' +
          'must match. At `from` or later, and before `to`.',
        querystring: Query,
        response: { 200: listAnswers(ActivityList), '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const { from, to, ...equal } = filterOf(request.query);
      const filter = { ...equal, from: readTime('from', from), to: readTime('to', to) };
      const read = async (limit: number, cursor: string | undefined) => {
        const found = await listActivity(filter, limit + 1, readCursor(cursor));
        return toPage(found, limit, showRecord);
      };
      return answerList(request, reply, request.query, { ...activityExport, read }, exports);
    },
  );
}

function showRecord({ at, ...record }: ActivityRecord) {
  return { ...record, at: at.toISOString() };
}
