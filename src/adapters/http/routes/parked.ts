import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { parkedFilter } from '../../../api/parked-job-shapes.ts';
import { ParkedDetailShape, ParkedList, ReplayShape, ReplaysShape } from '../../../api/parked-shapes.ts';
import { closed, ExportQuery, listAnswers, ProblemShape, ReasonText } from '../../../api/shapes.ts';
import type { Actor } from '../../../core/actor.ts';
import { parseUserId } from '../../../core/instance/purchase.ts';
import type { ParkedDetail } from '../../../core/parked/parked-item.ts';
import {
  type ParkedFilter,
  type ParkedGroup,
  type ParkedItem,
  parkedOrigins,
  parkedStates,
} from '../../../core/parked/parked-item.ts';
import type { ReplayOptions, ReplayOutcome } from '../../../core/parked/replay.ts';
import { toWeirError, WeirError } from '../../../errors.ts';
import { answerList, filterOf, type PageQuery, toPage } from '../answer-list.ts';
import { toStatement } from '../answers.ts';
import { parkedExport } from '../export-columns.ts';
import { actorOf } from '../plugins/auth.ts';
import type { Exports } from '../plugins/exports.ts';
import { readCursor } from '../queries.ts';
import { showOriginal, showParked } from '../show-parked.ts';

export interface ParkedDeps {
  parked: {
    listParked(filter: ParkedFilter, limit: number, cursor: string | undefined): Promise<ParkedItem[]>;
    countParked(filter: ParkedFilter): Promise<ParkedGroup[]>;
    findParked(id: string): Promise<ParkedDetail | undefined>;
  };
  replay: {
    replay(id: string, actor: Actor, options?: ReplayOptions): Promise<ReplayOutcome>;
    discard(id: string, actor: Actor, reason: string): Promise<ReplayOutcome>;
  };
}

export const ParkedFilterQuery = {
  ...parkedFilter(parkedOrigins),
  state: Type.Optional(Type.Enum([...parkedStates, 'ALL'])),
};

const Id = Type.String({ pattern: '^[1-9][0-9]{0,17}$', description: 'the id of a parked item' });
const Ids = Type.Array(Id, { minItems: 1, maxItems: 500 });
const Many = Type.Object({ ids: Ids }, closed);
const ManyWithReason = Type.Object({ ids: Ids, reason: ReasonText }, closed);
const DiscardBody = Type.Object({ reason: ReasonText }, closed);

type ItemPath = { Params: { id: string } };

export function addParked(http: FastifyInstance, { parked, replay }: ParkedDeps, exports: Exports): void {
  http.get<{ Querystring: ParkedFilter & PageQuery }>(
    '/v1/parked',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Parked items, newest first',
        description: 'Only open items, unless state is given.',
        querystring: Type.Object({ ...ParkedFilterQuery, ...ExportQuery }, closed),
        response: { 200: listAnswers(ParkedList), '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const filter = filterOf(request.query);
      const read = async (limit: number, cursor: string | undefined) => {
        const found = await parked.listParked(filter, limit + 1, readCursor(cursor));
        return toPage(found, limit, showParked);
      };
      return answerList(request, reply, request.query, { ...parkedExport, read }, exports);
    },
  );

  http.get<ItemPath>(
    '/v1/parked/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'One parked item with its original bytes',
        response: { 200: ParkedDetailShape, '4xx': ProblemShape },
      },
    },
    async ({ params }) => {
      const id = readId(params.id);
      const item = await parked.findParked(id);
      if (!item) throw unknownItem(params.id);
      const { original, kind, messageId } = item;
      return { ...showParked(item), kind, messageId, ...showOriginal(original) };
    },
  );

  http.post<ItemPath>(
    '/v1/parked/:id/replay',
    {
      config: { scope: 'act', activity: ['PARKED_REPLAYED'] },
      schema: {
        summary: 'Process a parked item again',
        description:
          'Returns REPLAYED with the outcome, or PARKED with the reason. A repeat gets the same response. The body may ' +
          'be empty: `userId` is the buyer of an entry from which it cannot be read, `acceptAmount` takes a payment of ' +
          "another amount than the order's.",
        response: { 200: ReplayShape, '4xx': ProblemShape },
      },
    },
    async (request) =>
      showOutcome(
        await replay.replay(readId(request.params.id), actorOf(request), readReplayOptions(request.body)),
      ),
  );

  http.post<ItemPath & { Body: Static<typeof DiscardBody> }>(
    '/v1/parked/:id/discard',
    {
      config: { scope: 'act', activity: ['PARKED_DISCARDED'] },
      schema: {
        summary: 'Discard a parked item, with a recorded reason',
        body: DiscardBody,
        response: { 200: ReplayShape, '4xx': ProblemShape },
      },
    },
    async (request) =>
      showOutcome(await replay.discard(readId(request.params.id), actorOf(request), request.body.reason)),
  );

  http.post<{ Body: Static<typeof Many> }>(
    '/v1/parked/replay',
    {
      config: { scope: 'act', isLong: true, activity: ['PARKED_REPLAYED'] },
      schema: {
        summary: 'Replay several parked items; one outcome for each',
        body: Many,
        response: { 200: ReplaysShape, '4xx': ProblemShape },
      },
    },
    async (request) => forEach(request.body.ids, (id) => replay.replay(id, actorOf(request))),
  );

  http.post<{ Body: Static<typeof ManyWithReason> }>(
    '/v1/parked/discard',
    {
      config: { scope: 'act', isLong: true, activity: ['PARKED_DISCARDED'] },
      schema: {
        summary: 'Discard several parked items; one outcome for each',
        body: ManyWithReason,
        response: { 200: ReplaysShape, '4xx': ProblemShape },
      },
    },
    async (request: FastifyRequest<{ Body: Static<typeof ManyWithReason> }>) =>
      forEach(request.body.ids, (id) => replay.discard(id, actorOf(request), request.body.reason)),
  );
}

/** The body is optional, which a JSON schema for it cannot say. @throws WeirError REQUEST_INVALID, USER_ID_INVALID */
function readReplayOptions(body: unknown): ReplayOptions {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new WeirError('REQUEST_INVALID', 'the body must be a JSON object, or empty');
  }
  const { userId, acceptAmount } = body as Record<string, unknown>;
  if (acceptAmount !== undefined && acceptAmount !== true) {
    throw new WeirError('REQUEST_INVALID', 'acceptAmount must be true or left out');
  }
  return {
    ...(userId === undefined ? {} : { userId: parseUserId(userId) }),
    ...(acceptAmount === undefined ? {} : { acceptAmount }),
  };
}

/** One after the other: an item that fails returns its reason and does not stop the others. */
async function forEach(ids: readonly string[], work: (id: string) => Promise<ReplayOutcome>) {
  const items: Static<typeof ReplayShape>[] = [];
  for (const id of new Set(ids)) {
    try {
      items.push(showOutcome(await work(id)));
    } catch (error) {
      const cause = toWeirError(error);
      if (cause.isTransient) throw error;
      items.push({ id, state: null, ...showError(cause), instanceId: null });
    }
  }
  return { items };
}

function showOutcome(outcome: ReplayOutcome): Static<typeof ReplayShape> {
  const { id, state, instanceId } = outcome;
  const stated = state === 'PARKED' ? showError(outcome.error) : toStatement(outcome.statement);
  return { id, state, ...stated, instanceId };
}

function showError({ code, params, message }: WeirError) {
  return { code, params, detail: message };
}

function readId(text: string): string {
  const id = /^[1-9]\d{0,17}$/.test(text) ? text : undefined;
  if (id === undefined) throw unknownItem(text);
  return id;
}

function unknownItem(id: string): WeirError {
  return new WeirError('PARKED_NOT_FOUND', `there is no parked item ${id.slice(0, 40)}`);
}
