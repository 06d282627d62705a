import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Audit } from '../audit/audit.ts';
import { WeirError } from '../errors.ts';
import { ProblemShape, storable } from './shapes.ts';

export interface AuditParts {
  audit: (full: boolean) => Promise<Audit>;
  /** @returns false when no audit has seen such a stream */
  acceptStream: (stream: string) => Promise<boolean>;
}

const Accept = Type.Object(
  { stream: Type.String({ minLength: 1, maxLength: 512, ...storable }) },
  { additionalProperties: false },
);

export function addAudit(http: FastifyInstance, { audit, acceptStream }: AuditParts): void {
  http.get<{ Querystring: { full?: 'true' | 'false' } }>(
    '/v1/audit',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Every sum that must hold, computed from the stores themselves',
        description:
          'What is old and settled was counted once; full=true counts all of it again. `ok` is true when every sum ' +
          'holds and nothing is listed.',
        querystring: Type.Object(
          { full: Type.Optional(Type.Enum(['true', 'false'])) },
          { additionalProperties: false },
        ),
      },
    },
    async ({ query }) => audit(query.full === 'true'),
  );

  http.post<{ Body: Static<typeof Accept> }>(
    '/v1/audit/accept',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Take note of what happened to a stream; its sum goes on from what is there now',
        body: Accept,
        response: { '4xx': ProblemShape },
      },
    },
    async ({ body }) => {
      if (!(await acceptStream(body.stream))) {
        throw new WeirError('STREAM_UNKNOWN', `no audit has seen a stream ${body.stream}`);
      }
      return audit(false);
    },
  );
}
