import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { closed, InstanceShape, ProblemShape, TimeText } from '../../../api/shapes.ts';
import type { Actor } from '../../../core/actor.ts';
import { type InstanceId, parseTraceparent } from '../../../core/instance/purchase.ts';
import type { Settled } from '../../../core/results/classify-result.ts';
import { createResult, type InstanceResult, maxReasonLength } from '../../../core/results/result.ts';
import { WeirError } from '../../../errors.ts';
import { showInstance } from '../answers.ts';
import { actorOf, isByHand } from '../plugins/auth.ts';
import { readTime } from '../queries.ts';
import { type InstanceReader, parseInstanceId, unknownInstance } from './instances.ts';

export interface ResultDeps {
  instances: InstanceReader;
  /** Concurrent callers share one commit. */
  settleResult: (result: InstanceResult) => Promise<Settled>;
  /** The same for an operator, in a commit of its own. */
  settleByHand: (result: InstanceResult, actor: Actor) => Promise<Settled>;
  /** @returns false when there is no such instance */
  retryInstance: (instanceId: InstanceId, actor: Actor) => Promise<boolean>;
  /** The same for the release of its machine. */
  releaseInstance: (instanceId: InstanceId, actor: Actor) => Promise<boolean>;
}

const ResultBody = Type.Object(
  {
    status: Type.Enum(['SUCCESS', 'FAILED']),
    reason: Type.Optional(Type.String({ maxLength: maxReasonLength })),
    timestamp: Type.Optional(TimeText),
  },
  closed,
);

interface InstancePath {
  Params: { id: string };
}

export function addResults(
  http: FastifyInstance,
  { instances, settleResult, settleByHand, retryInstance, releaseInstance }: ResultDeps,
): void {
  const showCurrent = async (instanceId: InstanceId) => {
    const instance = await instances.findInstance(instanceId);
    if (!instance) throw unknownInstance(instanceId.toString());
    return showInstance(instance);
  };

  http.post<InstancePath & { Body: Static<typeof ResultBody> }>(
    '/v1/instances/:id/result',
    {
      config: { scope: 'act', limited: false, activity: ['INSTANCE_SETTLED'] },
      schema: {
        summary: 'Report a result over HTTP instead of AMQP',
        description:
          'A repeat gets 200 with the first response. A result that contradicts the first, or arrives after the instance has timed ' +
          'out, is recorded with the instance and answered with 409.',
        body: ResultBody,
        response: { 200: InstanceShape, 201: InstanceShape, '4xx': ProblemShape },
      },
    },
    async (request, reply) => {
      const { params, body, headers } = request;
      const instanceId = parseInstanceId(params.id);
      const created = createResult({
        instanceId: instanceId.toString(),
        status: body.status,
        reason: body.reason ?? '',
        answeredAt: readTime('timestamp', body.timestamp) ?? new Date(),
      });
      const result = { ...created, ...parseTraceparent(headers.traceparent) };
      const settled = await (isByHand(request)
        ? settleByHand(result, actorOf(request))
        : settleResult(result));
      if (settled === 'unknown') throw unknownInstance(params.id);
      const instance = await showCurrent(instanceId);
      if (settled === 'late' || settled === 'contradicts') throw notApplied(settled, instance);
      return reply.status(settled === 'applied' ? 201 : 200).send(instance);
    },
  );

  http.post<InstancePath>(
    '/v1/instances/:id/retry',
    {
      config: { scope: 'act', activity: ['INSTANCE_REPUBLISHED'] },
      schema: {
        summary: 'Republish the event of an instance, with the same id and bytes',
        response: { 200: InstanceShape, '4xx': ProblemShape },
      },
    },
    async (request) => {
      const instanceId = parseInstanceId(request.params.id);
      if (!(await retryInstance(instanceId, actorOf(request)))) throw unknownInstance(request.params.id);
      return showCurrent(instanceId);
    },
  );

  http.post<InstancePath>(
    '/v1/instances/:id/release',
    {
      config: { scope: 'act', activity: ['INSTANCE_RELEASE_REQUESTED'] },
      schema: {
        summary: 'Request the release of the machine of a failed instance',
        description: 'Republishes an earlier request, with the same id and bytes.',
        response: { 200: InstanceShape, '4xx': ProblemShape },
      },
    },
    async (request) => {
      const instanceId = parseInstanceId(request.params.id);
      if (!(await releaseInstance(instanceId, actorOf(request)))) throw unknownInstance(request.params.id);
      return showCurrent(instanceId);
    },
  );
}

function notApplied(settled: 'late' | 'contradicts', instance: Static<typeof InstanceShape>): WeirError {
  const code = settled === 'late' ? 'RESULT_LATE' : 'RESULT_CONFLICT';
  const reason = instance.reason === undefined ? '' : `, ${instance.reason}`;
  return new WeirError(code, `instance ${instance.instanceId} is ${instance.status}${reason}`);
}
