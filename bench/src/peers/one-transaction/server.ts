import Fastify from 'fastify';
import pg from 'pg';
import { type CreateInstance, createInStatement, createInTransaction } from './create-instance.ts';

const ways = { transaction: createInTransaction, statement: createInStatement } satisfies Record<
  string,
  CreateInstance
>;

export type Way = keyof typeof ways;

/** Statements are prepared once per connection; its outbox is not published while it is measured. */
export async function createOneTransactionServer(database: string, way: Way, poolSize: number) {
  const pool = new pg.Pool({ connectionString: database, max: poolSize, idleTimeoutMillis: 0 });
  pool.on('error', () => {}); // the next query reports the error
  const createInstance = ways[way];
  const server = Fastify();

  server.post<{ Params: { orderId: string }; Body: { productId: string; userId: string } }>(
    '/v1/orders/:orderId/paid',
    {
      schema: {
        body: {
          type: 'object',
          required: ['productId', 'userId'],
          properties: { productId: { type: 'string' }, userId: { type: 'string' } },
        },
      },
    },
    async (request, reply) => {
      const { orderId } = request.params;
      const instanceId = await createInstance(pool, { orderId, ...request.body });
      if (instanceId === undefined) return reply.code(409).send({ code: 'conflict' });
      return reply.code(201).send({ instanceId: String(instanceId), orderId, status: 'PROCESSING' });
    },
  );
  server.addHook('onClose', () => pool.end());
  await server.listen({ host: '127.0.0.1', port: 0 });
  return server;
}
