// A process of its own, like Weir: started with the database's address, the way to commit and the pool's
// size.
import type { AddressInfo } from 'node:net';
import { createOneTransactionServer } from './server.ts';

const [, , database = '', way = '', poolSize = '16'] = process.argv;
const server = await createOneTransactionServer(
  database,
  way === 'statement' ? 'statement' : 'transaction',
  Number(poolSize),
);
process.on('disconnect', () => process.exit(1)); // the bench has ended
process.on('SIGTERM', () => server.close().then(() => process.exit(0)));
process.send?.((server.server.address() as AddressInfo).port);
