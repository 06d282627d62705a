import { type Channel, type ConsumeMessage, connect } from 'amqplib';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import { encodeResult } from '../../src/core/results/result.ts';
import { createDeferred } from '../../src/lib/deferred.ts';
import { success } from '../support/parts.ts';
import { pollUntil } from '../support/poll-until.ts';
import { drainQueue, queuesBeside, rabbitmqUrl } from '../support/stores.ts';
import { shareWeir } from './share-weir.ts';

const weir = shareWeir();
let count = 0;

async function createInstance(): Promise<string> {
  const id = `${80_000 + ++count}`;
  const product = { id, name: 'GPU', cpus: 4, memoryMb: 1024, image: 'ubuntu', priceCents: '500' };
  await weir.request('POST', '/v1/products', product);
  const purchase = { source: 'ACTIVITY', sourceId: `DEAD${count}`, productId: id, userId: '7' };
  return (await weir.request('POST', '/v1/instances', purchase)).body.instanceId;
}

async function openChannel(): Promise<Channel> {
  const connection = await connect(rabbitmqUrl);
  onTestFinished(() => connection.close());
  return connection.createChannel();
}

/** Takes the next message of the queue before any other consumer, and rejects or acknowledges it. */
async function takeNext(queue: string, how: 'reject' | 'acknowledge', act: () => Promise<unknown>) {
  const channel = await openChannel();
  const { promise, resolve } = createDeferred<ConsumeMessage>();
  await channel.consume(queue, (message) => message && resolve(message), { priority: 100 });
  await act();
  const message = await promise;
  if (how === 'reject') channel.nack(message, false, false);
  else channel.ack(message);
  await channel.close();
  return message;
}

async function findParked(id: string) {
  return pollUntil('the dead letter to be parked', 15_000, async () => {
    const { body } = await weir.request('GET', '/v1/parked?origin=DEAD_LETTER&state=ALL');
    const item = body.items.find(({ instanceId }: { instanceId: string }) => instanceId === id);
    expect(item).toBeDefined();
    return item;
  });
}

const replay = (id: string) => weir.request('POST', `/v1/parked/${id}/replay`);
const expectEventsBalance = () =>
  pollUntil('the sum of events to hold', 10_000, async () => {
    const { body } = await weir.request('GET', '/v1/audit');
    expect(body.sums.find(({ name }: { name: string }) => name === 'events').difference).toBe(0);
    expect(body.waiting.events).toBe(0);
  });

describe('a message that a queue dropped', () => {
  test('an event that its consumer rejected is parked, and replays with the same bytes', async () => {
    let id = '';
    const event = await takeNext(weir.queue, 'reject', async () => {
      id = await createInstance();
    });
    const item = await findParked(id);
    expect(item).toMatchObject({ reason: 'MESSAGE_REJECTED', scope: weir.queue, sourceId: id });
    await expectEventsBalance();
    const timeline = async () => (await weir.request('GET', `/v1/instances/${id}`)).body.timeline;
    expect(await timeline()).toContainEqual(
      expect.objectContaining({
        step: 'PARKED',
        detail: {
          code: 'PARKED',
          params: { origin: 'DEAD_LETTER', reason: 'MESSAGE_REJECTED', id: item.id },
        },
      }),
    );

    // Rejected again, it is parked again.
    const again = await takeNext(weir.queue, 'reject', async () => {
      expect(await replay(item.id)).toMatchObject({ status: 200, body: { state: 'REPLAYED' } });
    });
    expect(again.properties).toMatchObject({ messageId: id, type: 'INSTANCE_CREATED' });
    expect(again.content).toEqual(event.content);
    await pollUntil('it to be parked again', 10_000, async () => {
      expect(await findParked(id)).toMatchObject({ state: 'PARKED' });
    });
    const last = await takeNext(weir.queue, 'acknowledge', () => replay(item.id));
    expect(last.content).toEqual(event.content);
    await expectEventsBalance();
    expect((await timeline()).map(({ step }: { step: string }) => step)).toContain('REPLAYED');
  });

  test('a release request that was rejected is parked, and a replay sends it again', async () => {
    const id = await createInstance();
    await weir.request('POST', `/v1/instances/${id}/result`, { status: 'FAILED', reason: 'no room' });
    const releases = queuesBeside(weir.queue).WEIR_DATA_RABBITMQ_RELEASEQUEUE as string;
    const request = await takeNext(releases, 'reject', () =>
      weir.request('POST', `/v1/instances/${id}/result`, { status: 'SUCCESS' }),
    );
    const item = await findParked(id);
    expect(item).toMatchObject({ reason: 'MESSAGE_REJECTED', scope: releases, sourceId: `release-${id}` });
    await replay(item.id);
    const [again] = await drainQueue(releases, 1);
    expect(again).toMatchObject({ id: `release-${id}`, body: request.content });
  });

  test('a result that was dropped is parked, and a replay settles its instance', async () => {
    const id = await createInstance();
    const { WEIR_DATA_RABBITMQ_RESULTQUEUE: results, WEIR_DATA_RABBITMQ_DEADLETTERQUEUE: dead } =
      queuesBeside(weir.queue);
    const headers = { 'x-death': [{ count: 1, reason: 'delivery_limit', queue: results }] };
    const channel = await openChannel();
    channel.sendToQueue(dead as string, encodeResult(success(BigInt(id) as InstanceId)), { headers });
    const item = await findParked(id);
    expect(item).toMatchObject({ reason: 'DELIVERY_LIMIT', scope: results });
    const settled = { code: 'RESULT_SETTLED', params: { status: 'SUCCESS', outcome: 'applied' } };
    expect(await replay(item.id)).toMatchObject({ body: { state: 'REPLAYED', ...settled } });
    expect((await weir.request('GET', `/v1/instances/${id}`)).body.status).toBe('SUCCESS');
  });

  test('a message of another program is parked, and its replay explains why it stays', async () => {
    const dead = queuesBeside(weir.queue).WEIR_DATA_RABBITMQ_DEADLETTERQUEUE as string;
    const channel = await openChannel();
    const headers = { 'x-death': [{ count: 1, reason: 'maxlen', queue: 'elsewhere' }] };
    channel.sendToQueue(dead, Buffer.from('not ours'), { messageId: 'foreign', headers });
    const item = await pollUntil('it to be parked', 10_000, async () => {
      const { body } = await weir.request('GET', '/v1/parked?scope=elsewhere');
      expect(body.items).toHaveLength(1);
      return body.items[0];
    });
    expect(item).toMatchObject({ origin: 'DEAD_LETTER', reason: 'QUEUE_FULL' });
    const { body } = await replay(item.id);
    expect(body).toMatchObject({
      state: 'PARKED',
      detail: expect.stringContaining('Weir does not publish to queue elsewhere'),
    });
    const { body: detail } = await weir.request('GET', `/v1/parked/${item.id}`);
    expect(Buffer.from(detail.original, 'base64').toString()).toBe('not ours');
  });
});
