// The minimum in Node with the same request and the same answer: the body is read and discarded.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { soldOut } from '../sold-out.ts';

const body = Buffer.from(JSON.stringify(soldOut));
const head = { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length };
const server = createServer((request, response) => {
  request.resume();
  response.writeHead(409, head).end(body);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(1)); // the bench has ended
process.on('SIGTERM', () => {
  server.closeAllConnections();
  server.close(() => process.exit(0));
});
