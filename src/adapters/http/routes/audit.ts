import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { AuditShape } from '../../../api/audit-shapes.ts';
import { closed, ProblemShape, storable } from '../../../api/shapes.ts';
import type { Actor } from '../../../core/actor.ts';
import { WeirError } from '../../../errors.ts';
import type { Audit, AuditSum } from '../../../ops/audit/audit.ts';
import { toStatement } from '../answers.ts';
import { actorOf, requireScopeOf } from '../plugins/auth.ts';

export interface AuditDeps {
  audit: (full: boolean) => Promise<Audit>;
  /** @returns false when no audit has seen such a stream */
  acceptStream: (stream: string, actor: Actor) => Promise<boolean>;
}

const Accept = Type.Object({ stream: Type.String({ minLength: 1, maxLength: 512, ...storable }) }, closed);

export function addAudit(http: FastifyInstance, { audit, acceptStream }: AuditDeps): void {
  http.get<{ Querystring: { full?: 'true' | 'false' } }>(
    '/v1/audit',
    {
      config: { scope: 'read', isLong: true },
      schema: {
        summary: 'The sum of each invariant, computed from the stores',
        description:
          'Old settled rows are counted once; full=true counts all of them again, which reads whole tables and ' +
          'requires scope act. `ok` is true when every sum holds and there are no exceptions.',
        querystring: Type.Object({ full: Type.Optional(Type.Enum(['true', 'false'])) }, closed),
        response: { 200: AuditShape, '4xx': ProblemShape },
      },
    },
    async (request) => {
      const isFull = request.query.full === 'true';
      if (isFull) requireScopeOf(request, 'act');
      return showAudit(await audit(isFull));
    },
  );

  http.post<{ Body: Static<typeof Accept> }>(
    '/v1/audit/accept',
    {
      config: { scope: 'admin', isLong: true, activity: ['STREAM_ACCEPTED'] },
      schema: {
        summary: 'Accept a loss on a stream; its sum continues from its current state',
        body: Accept,
        response: { 200: AuditShape, '4xx': ProblemShape },
      },
    },
    async (request) => {
      const { body } = request;
      if (!(await acceptStream(body.stream, actorOf(request)))) {
        throw new WeirError('STREAM_NOT_FOUND', `no audit has seen stream ${body.stream}`);
      }
      return showAudit(await audit(false));
    },
  );
}

function showAudit({ auditedAt, waiting, sums, ...rest }: Audit): Static<typeof AuditShape> {
  return {
    ...rest,
    auditedAt: auditedAt.toISOString(),
    sums: sums.map(showSum),
    waiting: { ...waiting },
  };
}

function showSum({ exceptions, note, ...sum }: AuditSum): Static<typeof AuditShape>['sums'][number] {
  return {
    ...sum,
    exceptions: exceptions.map(({ id, ...finding }) => ({ id, ...toStatement(finding) })),
    ...(note ? { note: toStatement(note) } : {}),
  };
}
