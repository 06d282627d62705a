import type { Replies } from 'amqplib';
import type { Shop } from '../drive/shop.ts';
import { CannotRun, type Queues } from '../options.ts';
import { pause } from '../pause.ts';
import { BrokerConnection } from '../stores/rabbitmq.ts';
import { describe, type Weirs } from './weirs.ts';

const readyWithinMs = 30_000;

/** It may have been started a moment ago. @throws CannotRun */
export async function requireReady(weirs: Weirs): Promise<void> {
  const endsAtMs = Date.now() + readyWithinMs;
  for (const url of weirs.urls) {
    for (;;) {
      const ready = await weirs.sendTo(url, 'GET', '/readyz');
      if (ready.status === 200) break;
      if (Date.now() > endsAtMs || ready.status === 0) {
        throw new CannotRun(`Weir at ${url} is not ready: ${describe(ready)}`);
      }
      await pause(100);
    }
  }
}

/** Products and sale of the run. @throws CannotRun */
export async function openShop(weirs: Weirs, { plain, onSale, terms }: Shop): Promise<void> {
  await require(weirs, 'create a product', '/v1/products', plain);
  if (!terms) return;
  await require(weirs, 'create a product', '/v1/products', onSale);
  await require(weirs, 'open a sale', '/v1/sales', { productId: onSale.id, ...terms });
}

async function require(weirs: Weirs, what: string, path: string, body: unknown): Promise<void> {
  const answer = await weirs.post(path, body);
  if (answer.status === 201 || answer.status === 200) return;
  const advice = [401, 403].includes(answer.status) ? '; give a key of scope admin as WEIR_KEY' : '';
  throw new CannotRun(`cannot ${what}: ${describe(answer)}${advice}`);
}

/** What was sold stays; nothing more is. A failure changes no verdict. */
export async function closeShop(weirs: Weirs, { plain, onSale, terms }: Shop): Promise<void> {
  if (terms) await weirs.send('PATCH', `/v1/sales/${onSale.id}`, '{"action":"end"}');
  for (const { id } of terms ? [plain, onSale] : [plain]) {
    await weirs.send('PATCH', `/v1/products/${id}`, '{"enabled":false}');
  }
}

/** Above it, holding what is not ours until the end would fill the memory. */
const maxWaiting = 10_000;

/** No other consumer may take events away, and few may be left over. @throws CannotRun */
export async function requireFreeQueues(address: string, queues: Queues): Promise<void> {
  const { created, results, releases, refunds } = queues;
  const connection = new BrokerConnection(address, async (model) => {
    const channel = await model.createChannel();
    // A queue that does not exist closes the channel; the call says so as well.
    channel.on('error', () => {});
    await channel.checkQueue(results);
    for (const queue of [...created, releases, refunds]) requireFree(await channel.checkQueue(queue));
  });
  await connection.open();
  await connection.close();
}

function requireFree({ queue, consumerCount, messageCount }: Replies.AssertQueue): void {
  if (consumerCount > 0) {
    throw new CannotRun(`queue ${queue} has a consumer: stop it, or leave it and give --no-consume`);
  }
  if (messageCount > maxWaiting) throw new CannotRun(`${messageCount} messages stand on ${queue}: empty it`);
}
