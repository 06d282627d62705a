import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import {
  FailedItemList,
  newParkedJob,
  ParkedJobList,
  ParkedJobQuery,
  ParkedJobShape,
} from '../../../api/parked-job-shapes.ts';
import { closed, ExportQuery, listAnswers, ProblemShape } from '../../../api/shapes.ts';
import type { Actor } from '../../../core/actor.ts';
import { parkedOrigins } from '../../../core/parked/parked-item.ts';
import type { FailedItem, JobState, NewParkedJob, ParkedJob } from '../../../core/parked/parked-job.ts';
import { WeirError } from '../../../errors.ts';
import { answerList, type PageQuery, toPage } from '../answer-list.ts';
import { failedItemExport } from '../export-columns.ts';
import { actorOf } from '../plugins/auth.ts';
import type { Exports } from '../plugins/exports.ts';
import { listOf, readCursor, readLimit } from '../queries.ts';

export interface ParkedJobDeps {
  createJob(job: NewParkedJob, actor: Actor): Promise<ParkedJob>;
  findJob(id: string): Promise<ParkedJob | undefined>;
  /** Newest first. */
  listJobs(state: JobState | undefined, limit: number, cursor: string | undefined): Promise<ParkedJob[]>;
  /** In order of id. */
  listFailed(id: string, limit: number, cursor: string | undefined): Promise<FailedItem[]>;
  abortJob(id: string, actor: Actor): Promise<ParkedJob | undefined>;
}

const Body = newParkedJob(parkedOrigins);
type JobPath = { Params: { id: string } };

export function addParkedJobs(http: FastifyInstance, jobs: ParkedJobDeps, exports: Exports): void {
  http.post<{ Body: Static<typeof Body> }>(
    '/v1/parked/jobs',
    {
      config: {
        scope: 'act',
        activity: ['PARKED_JOB_STARTED', 'PARKED_JOB_REPLAYED', 'PARKED_JOB_DISCARDED', 'PARKED_JOB_ENDED'],
      },
      schema: {
        summary: 'Replay or discard every parked item that a filter matches',
        description:
          'Goes on by itself; `GET /v1/parked/jobs/{id}` shows how far it is. Only what is parked at this moment is touched. ' +
          '`note` is required for a discard, where each item keeps it.',
        body: Body,
        response: { 202: ParkedJobShape, '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const job = await jobs.createJob(readJob(request.body), actorOf(request));
      return reply.status(202).header('location', `/v1/parked/jobs/${job.id}`).send(showJob(job));
    },
  );

  http.get<{ Querystring: Static<typeof ParkedJobQuery> }>(
    '/v1/parked/jobs',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Jobs over parked items, newest first',
        querystring: ParkedJobQuery,
        response: { 200: ParkedJobList, '4xx': ProblemShape },
      },
    },
    async ({ query }) => {
      const limit = readLimit(query.limit);
      const found = await jobs.listJobs(query.state, limit + 1, readCursor(query.cursor));
      const { items, nextCursor } = toPage(found, limit, showJob);
      return listOf(items, nextCursor);
    },
  );

  http.get<JobPath>(
    '/v1/parked/jobs/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'One job and how far it is',
        response: { 200: ParkedJobShape, '4xx': ProblemShape },
      },
    },
    async ({ params }) => showJob(known(await jobs.findJob(readId(params.id)), params.id)),
  );

  http.get<JobPath & { Querystring: PageQuery }>(
    '/v1/parked/jobs/:id/results',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'The items that failed in a job, each with the reason',
        description: 'In order of id. What it resolved shows the job as `jobId`.',
        querystring: Type.Object(ExportQuery, closed),
        response: { 200: listAnswers(FailedItemList), '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const id = readId(request.params.id);
      known(await jobs.findJob(id), id);
      const read = async (limit: number, cursor: string | undefined) =>
        toPage(await jobs.listFailed(id, limit + 1, readCursor(cursor)), limit, (item) => item);
      return answerList(request, reply, request.query, { ...failedItemExport, read }, exports);
    },
  );

  http.post<JobPath>(
    '/v1/parked/jobs/:id/abort',
    {
      config: { scope: 'act', activity: ['PARKED_JOB_ABORTED'] },
      schema: {
        summary: 'Abort a job; no item changes after the response',
        description: 'A repeat gets the same response.',
        response: { 200: ParkedJobShape, '4xx': ProblemShape },
      },
    },
    async (request) => {
      const { id } = request.params;
      const job = known(await jobs.abortJob(readId(id), actorOf(request)), id);
      if (job.state === 'DONE') throw new WeirError('PARKED_JOB_ENDED', `job ${id} is done`);
      return showJob(job);
    },
  );
}

/** @throws WeirError REQUEST_INVALID */
function readJob({ action, filter: { state: _, ...filter }, note }: Static<typeof Body>): NewParkedJob {
  if (action === 'discard' && note === undefined) {
    throw new WeirError('REQUEST_INVALID', 'note must be given for a discard');
  }
  return { action, filter, note };
}

function readId(text: string): string {
  if (/^[1-9]\d{0,17}$/.test(text)) return text;
  throw unknownJob(text);
}

function known(job: ParkedJob | undefined, id: string): ParkedJob {
  if (!job) throw unknownJob(id);
  return job;
}

function unknownJob(id: string): WeirError {
  return new WeirError('PARKED_JOB_NOT_FOUND', `there is no job ${id.slice(0, 40)}`);
}

function showJob(job: ParkedJob): Static<typeof ParkedJobShape> {
  const { id, action, filter, state, createdBy, matched, done, failed } = job;
  // At least 0: items were parked and resolved while they were counted.
  const left = matched === undefined ? undefined : Math.max(0, matched - done - failed);
  return {
    ...{ id, action, filter: filter as Record<string, string>, note: job.note ?? null, state },
    ...{ createdAt: job.createdAt.toISOString(), createdBy, matched: matched ?? null, done, failed },
    skipped: state === 'DONE' ? (left ?? 0) : 0,
    remaining: state === 'DONE' ? 0 : (left ?? null),
    ...{ endedAt: job.endedAt?.toISOString() ?? null, endedBy: job.endedBy ?? null },
  };
}
