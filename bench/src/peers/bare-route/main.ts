// A process of its own, like Weir: the minimum in Fastify with the same request and the same answer.
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { soldOut } from '../sold-out.ts';

const server = Fastify();
server.post('/v1/sales/:productId/buy', (_, reply) => reply.code(409).send(soldOut));
await server.listen({ host: '127.0.0.1', port: 0 });
process.on('disconnect', () => process.exit(1)); // the bench has ended
process.on('SIGTERM', () => server.close().then(() => process.exit(0)));
process.send?.((server.server.address() as AddressInfo).port);
