import { fileURLToPath } from 'node:url';
import { connect } from 'amqplib';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import { encodeResult } from '../../src/core/results/result.ts';
import { type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { pollUntil } from '../support/poll-until.ts';
import { queuesBeside, rabbitmqUrl } from '../support/stores.ts';
import { shareWeir } from './share-weir.ts';

// The file that docs/monitoring.md tells users to import, and a collector that receives its spans.
const setUp = fileURLToPath(new URL('../../ops/otel.mjs', import.meta.url));
const receiver = await startOtlpReceiver();
const weir = shareWeir({
  NODE_OPTIONS: `--import ${setUp}`,
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
  OTEL_BSP_SCHEDULE_DELAY: '100',
  WEIR_DEMO_ENABLED: 'true',
});
afterAll(() => receiver.close());

const callerTrace = '0af7651916cd43dd8448eb211c80319c';
const callerSpan = 'b7ad6b7169203331';
const idOf = ({ traceId, spanId }: ReceivedSpan) => ({ traceId, spanId });

test('one trace goes from the callback through commit, batch and header to the result', async () => {
  const answer = await weir.request(
    'POST',
    '/v1/orders/TRACED-1/paid',
    { productId: '1001', userId: '7' },
    { traceparent: `00-${callerTrace}-${callerSpan}-01` },
  );
  expect(answer.status).toBe(201);
  const { instanceId } = answer.body;
  const message = await weir.waitForMessage(instanceId);

  const isOf = (name: string) => (span: ReceivedSpan) => span.name === name && span.traceId === callerTrace;
  const server = await receiver.waitFor('of the callback', isOf('POST /v1/orders/:orderId/paid'));
  expect(server).toMatchObject({ kind: 'SERVER', parentSpanId: callerSpan });
  expect(server.attributes).toMatchObject({
    'http.route': '/v1/orders/:orderId/paid',
    'http.response.status_code': 201,
  });
  const create = await receiver.waitFor('of the creation', isOf(`create ${weir.queue}`));
  expect(create).toMatchObject({ kind: 'PRODUCER', parentSpanId: server.spanId });
  expect(create.attributes).toMatchObject({
    'messaging.system': 'rabbitmq',
    'messaging.message.id': instanceId,
    'weir.source_id': 'TRACED-1',
    'weir.outcome': 'created',
  });
  const commit = await receiver.waitFor('of the commit', isOf('commit instances'));
  expect(commit).toMatchObject({ parentSpanId: create.spanId, links: [idOf(create)] });
  const send = await receiver.waitFor('of the sending', isOf(`send ${weir.queue}`));
  expect(send).toMatchObject({ kind: 'CLIENT', parentSpanId: create.spanId, links: [idOf(create)] });

  // A Resource Domain that uses the header as its parent is a child of the message's creation.
  const header = `00-${callerTrace}-${create.spanId}-01`;
  expect(message.properties.headers).toEqual({ traceparent: header });

  const builderSpan = '00f067aa0ba902b7';
  await sendResult(instanceId, `00-${callerTrace}-${builderSpan}-01`);
  const process = await receiver.waitFor('of the result', isOf(`process ${resultQueue()}`));
  expect(process).toMatchObject({ kind: 'CONSUMER', parentSpanId: builderSpan });
  const settle = await receiver.waitFor('of the settling', isOf('settle results'));
  expect(settle.parentSpanId).toBe(process.spanId);
  expect(settle.links).toEqual([idOf(create), idOf(process)]);
  expect(settle.attributes).toMatchObject({ 'weir.settled.applied': 1 });
});

test('an entry continues its trace, and a result is linked to that of its instance', async () => {
  const [trace, foreign] = ['11111111111111111111111111111111', '22222222222222222222222222222222'];
  const stream = 'stream:seckill:1001';
  const entryId = await weir.redis.xadd(
    stream,
    '*',
    'uid',
    '9',
    'traceparent',
    `00-${trace}-${callerSpan}-01`,
  );
  const process = await receiver.waitFor(
    'of the entry',
    ({ name, traceId }) => name === 'process stream:seckill:{productId}' && traceId === trace,
  );
  expect(process).toMatchObject({ kind: 'CONSUMER', parentSpanId: callerSpan });
  expect(process.attributes).toMatchObject({
    'messaging.system': 'redis',
    'messaging.destination.name': stream,
    'messaging.message.id': entryId,
  });
  const create = await receiver.waitFor(
    'of the creation',
    ({ parentSpanId, kind }) => parentSpanId === process.spanId && kind === 'PRODUCER',
  );
  const instanceId = String(create.attributes['messaging.message.id']);
  const message = await weir.waitForMessage(instanceId);
  expect(message.properties.headers).toEqual({ traceparent: `00-${trace}-${create.spanId}-01` });

  await sendResult(instanceId, `00-${foreign}-${callerSpan}-01`);
  const settle = await receiver.waitFor(
    'of the settling',
    ({ name, traceId }) => name === 'settle results' && traceId === foreign,
  );
  expect(settle.links).toContainEqual(idOf(create));
});

test('an entry without a trace begins one', async () => {
  const entryId = await weir.redis.xadd('stream:seckill:1001', '*', 'uid', '10');
  const process = await receiver.waitFor(
    'of the entry',
    ({ attributes }) => attributes['messaging.message.id'] === entryId,
  );
  expect(process.parentSpanId).toBeUndefined();
  await receiver.waitFor('of its creation', ({ parentSpanId }) => parentSpanId === process.spanId);
});

test('a caller who is not sampled is handed on as he came, and leaves no span', async () => {
  const trace = '33333333333333333333333333333333';
  const traceparent = `00-${trace}-${callerSpan}-00`;
  const answer = await weir.request(
    'POST',
    '/v1/instances',
    { source: 'GIFT', sourceId: 'UNSAMPLED', productId: '1001', userId: '7' },
    { traceparent },
  );
  const message = await weir.waitForMessage(answer.body.instanceId);
  expect(message.properties.headers).toEqual({ traceparent });
  // Later spans have arrived, so these would have arrived too.
  await weir.redis.xadd(
    'stream:seckill:1001',
    '*',
    'uid',
    '11',
    'traceparent',
    `00-${'4'.repeat(32)}-${callerSpan}-01`,
  );
  await receiver.waitFor('of a later entry', ({ traceId }) => traceId === '4'.repeat(32));
  expect(receiver.spans.filter(({ traceId }) => traceId === trace)).toEqual([]);
});

test('what went wrong here is an error of the span; a refusal is an answer', async () => {
  const refused = await weir.request('GET', '/v1/orders/NONE');
  expect(refused.status).toBe(404);
  const span = await receiver.waitFor(
    'of the refusal',
    ({ attributes }) => attributes['http.response.status_code'] === 404,
  );
  expect(span).toMatchObject({ name: 'GET /v1/orders/:orderId', isError: false });
});

function resultQueue(): string {
  return String(queuesBeside(weir.queue).WEIR_DATA_RABBITMQ_RESULTQUEUE);
}

async function sendResult(instanceId: string, traceparent: string): Promise<void> {
  const connection = await connect(rabbitmqUrl);
  onTestFinished(() => connection.close());
  const channel = await connection.createConfirmChannel();
  const result = { status: 'SUCCESS', reason: '', answeredAt: new Date() } as const;
  channel.sendToQueue(
    resultQueue(),
    encodeResult({ instanceId: BigInt(instanceId) as InstanceId, ...result }),
    { headers: { traceparent } },
  );
  await channel.waitForConfirms();
  await pollUntil('the result to be settled', 15_000, async () => {
    const { body } = await weir.request('GET', `/v1/instances/${instanceId}`);
    if (body.status !== 'SUCCESS') throw new Error(`it is ${body.status}`);
  });
}
