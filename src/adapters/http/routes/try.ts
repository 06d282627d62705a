import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { ProblemShape } from '../../../api/shapes.ts';
import { Buyers, Failing, FailingShape, TryShape } from '../../../api/try-shapes.ts';
import { type InstanceId, parseProductId, parseUserId } from '../../../core/instance/purchase.ts';
import { parseInstanceId } from './instances.ts';

export interface StreamFeed {
  /** XADD for each list of alternating field names and values. @returns the entry ids */
  add(stream: string, entries: readonly string[][]): Promise<string[]>;
}

export interface TryDeps {
  feed: StreamFeed;
  /** undefined: no Resource Domain is simulated in this process. */
  resource: { fail(instanceId: InstanceId): boolean } | undefined;
}

/**
 * Adds winners without a sale, and fails instances on request, for trying Weir out; only while the demo is
 * on, which the page asks for.
 */
export function addTry(http: FastifyInstance, demo: TryDeps | undefined): void {
  http.get(
    '/v1/try',
    {
      config: { scope: 'read' },
      schema: { summary: 'Whether the demo routes are available', response: { 200: TryShape } },
    },
    () => ({ enabled: demo !== undefined }),
  );
  if (!demo) return;
  const { feed, resource } = demo;

  http.post<{ Body: Static<typeof Buyers> }>(
    '/v1/try/seckill',
    {
      config: { scope: 'act', activity: 'none' },
      schema: { summary: 'Put winners on a seckill stream (demo only)', body: Buyers },
    },
    async ({ body }, reply) => {
      const stream = `stream:seckill:${parseProductId(body.productId)}`;
      const first = parseUserId(body.firstUserId);
      parseUserId(String(first + BigInt((body.count ?? 1) - 1)));
      const now = String(Math.floor(Date.now() / 1000));
      const entries = Array.from({ length: body.count ?? 1 }, (_, i) => [
        'uid',
        String(first + BigInt(i)),
        'ts',
        now,
      ]);
      const ids = await feed.add(stream, entries);
      return reply
        .status(202)
        .send({ stream, count: ids.length, firstStreamId: ids[0], lastStreamId: ids.at(-1) });
    },
  );

  http.post<{ Body: Static<typeof Failing> }>(
    '/v1/try/failure',
    {
      config: { scope: 'act', activity: 'none' },
      schema: {
        summary: 'Let the simulated Resource Domain fail an instance (demo only)',
        description:
          '`fails` is false when the instance has its result already, or when this process simulates no Resource Domain.',
        body: Failing,
        response: { 200: FailingShape, '4xx': ProblemShape },
      },
    },
    ({ body }) => ({ fails: resource?.fail(parseInstanceId(body.instanceId)) ?? false }),
  );
}
