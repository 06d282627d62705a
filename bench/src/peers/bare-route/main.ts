// A process of its own, as Weir is: the least that Fastify can do with the same request and the same answer.
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';

const answer = {
  type: 'urn:weir:problem:sold-out',
  title: 'Sold out',
  status: 409,
  code: 'SOLD_OUT',
  detail: 'the sale of product 900001 is sold out',
  advice: 'Units may come back: ask again later, or not at all.',
};

const server = Fastify();
server.post('/v1/sales/:productId/buy', (_, reply) => reply.code(409).send(answer));
await server.listen({ host: '127.0.0.1', port: 0 });
process.on('disconnect', () => process.exit(1)); // the bench is gone
process.on('SIGTERM', () => server.close().then(() => process.exit(0)));
process.send?.((server.server.address() as AddressInfo).port);
