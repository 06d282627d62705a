import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { parseProductId, parseUserId } from '../instance/purchase.ts';
import { Int64 } from './shapes.ts';

export interface StreamFeed {
  /** XADD for each list of alternating field names and values. @returns the entry ids */
  add(stream: string, entries: readonly string[][]): Promise<string[]>;
}

const Buyers = Type.Object(
  {
    productId: Int64,
    firstUserId: Int64,
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 1 })),
  },
  { additionalProperties: false },
);

/** Winners without a sale, for trying things out; exists only with the demo switched on. */
export function addTry(http: FastifyInstance, feed: StreamFeed): void {
  http.post<{ Body: Static<typeof Buyers> }>(
    '/v1/try/seckill',
    {
      config: { scope: 'act' },
      schema: { summary: 'Put winners on a seckill stream (demo only)', body: Buyers },
    },
    async ({ body }, reply) => {
      const stream = `stream:seckill:${parseProductId(body.productId)}`;
      const first = parseUserId(body.firstUserId);
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
}
