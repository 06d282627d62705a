import { type Span, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { beforeEach, describe, expect, test } from 'vitest';
import type { CreateInstances, Outcome } from '../../src/core/instance/create-instances.ts';
import type { InstanceId, Purchase } from '../../src/core/instance/purchase.ts';
import type { Publisher } from '../../src/core/outbox/outbox.ts';
import type { Message } from '../../src/core/outbox/outbox-batch.ts';
import type { InstanceResult } from '../../src/core/results/result.ts';
import type { ResultQueue, Settle } from '../../src/core/results/take-results.ts';
import type { SeckillStreams, StreamEntry } from '../../src/core/triggers/seckill-streams.ts';
import { RecentTraces } from '../../src/ops/telemetry/tracing/recent-traces.ts';
import { createTracing } from '../../src/ops/telemetry/tracing/tracing.ts';
import { createPurchase, success } from '../support/parts.ts';

const exporter = new InMemorySpanExporter();
const spanProcessors = [new SimpleSpanProcessor(exporter)];
const listening = new NodeTracerProvider({ spanProcessors }).getTracer('test');
const sampler = new AlwaysOffSampler();
const samplingNothing = new NodeTracerProvider({ spanProcessors, sampler }).getTracer('test');
const stores = { redis: { addr: 'r' }, rabbitmq: { url: 'q', queue: 'created', resultQueue: 'answered' } };
const tracing = createTracing(stores, listening);
beforeEach(() => exporter.reset());

const sampled = (n: number) => `00-${String(n).padStart(32, '0')}-b7ad6b7169203331-01`;
const unsampled = `00-${'9'.padStart(32, '0')}-b7ad6b7169203331-00`;
const ended = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);
const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId;
const linkedTo = (span: ReadableSpan | undefined) => span?.links.map(({ context }) => context.spanId);

/** Every purchase becomes an instance; `seen` is what was passed on. */
function createsAll(seen: Purchase[] = []): CreateInstances {
  return async (purchases) => {
    seen.push(...purchases);
    return purchases.map(
      (purchase, i): Outcome => ({
        kind: 'created',
        instance: {
          ...purchase,
          instanceId: BigInt(i + 1) as InstanceId,
          status: 'PROCESSING',
          createdAt: new Date(0),
          updatedAt: new Date(0),
        },
      }),
    );
  };
}

describe('without an SDK', () => {
  test('the parts stay what they are: not one call more on anybody’s way', () => {
    const untraced = createTracing(stores);
    const [create, settle, streams, publisher, queue] = [createsAll(), async () => [], {}, {}, {}];
    expect(untraced.creation(create)).toBe(create);
    expect(untraced.settle(settle)).toBe(settle);
    expect(untraced.streams(streams as SeckillStreams)).toBe(streams);
    expect(untraced.publisher(publisher as Publisher)).toBe(publisher);
    expect(untraced.resultQueue(queue as ResultQueue)).toBe(queue);
    expect(untraced.requests).toBeUndefined();
  });
});

describe('a commit', () => {
  test('a commit joins the trace of its first sampled purchase and links to each', async () => {
    const seen: Purchase[] = [];
    const purchases = [
      {},
      { traceparent: sampled(1) },
      { traceparent: unsampled },
      { traceparent: sampled(2) },
    ];
    await tracing.creation(createsAll(seen))(purchases.map((trace) => ({ ...createPurchase({}), ...trace })));
    const [first, second] = ended('create created');
    const [commit] = ended('commit instances');
    expect(first?.parentSpanContext).toMatchObject({ traceId: sampled(1).split('-')[1], isRemote: true });
    expect(commit?.parentSpanContext?.spanId).toBe(idOf(first));
    expect(linkedTo(commit)).toEqual([idOf(first), idOf(second)]);
    expect(first?.kind).toBe(SpanKind.PRODUCER);
    expect(seen.map(({ traceparent }) => traceparent)).toEqual([
      undefined,
      `00-${sampled(1).split('-')[1]}-${idOf(first)}-01`,
      unsampled,
      `00-${sampled(2).split('-')[1]}-${idOf(second)}-01`,
    ]);
  });

  test('a batch without a sampled purchase is handed on untouched, without a span', async () => {
    const purchases = [createPurchase({}), { ...createPurchase({}), traceparent: unsampled }];
    let seen: readonly Purchase[] = [];
    await tracing.creation(async (given) => {
      seen = given;
      return [];
    })(purchases);
    expect(seen).toBe(purchases);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  test('a commit that fails ends its spans, reports it, and reveals no password', async () => {
    const failing = tracing.creation(() => Promise.reject(new Error('no amqp://weir:hunter2@broker')));
    await expect(failing([{ ...createPurchase({}), traceparent: sampled(1) }])).rejects.toThrow('no amqp');
    expect(ended('create created')).toHaveLength(1);
    expect(ended('commit instances')[0]?.status).toEqual({
      code: SpanStatusCode.ERROR,
      message: 'no amqp://broker',
    });
  });

  test('a commit of 500 sampled purchases links to as many as an SDK keeps', async () => {
    const purchases = Array.from({ length: 500 }, (_, i) => ({
      ...createPurchase({}),
      traceparent: sampled(i + 1),
    }));
    await tracing.creation(createsAll())(purchases);
    expect(ended('commit instances')[0]?.links).toHaveLength(128);
    expect(ended('commit instances')[0]?.droppedLinksCount).toBe(0);
  });
});

describe('an entry of a stream', () => {
  const entry = (id: string, traceparent?: string): StreamEntry => ({
    id,
    fields: { uid: '1', traceparent },
    deliveries: 1,
    bytes: 10,
  });
  function traced(entries: StreamEntry[], tracer = listening) {
    const streams = {
      read: async () => [{ stream: 'stream:seckill:1001', entries }],
      acknowledge: async () => {},
    } as Partial<SeckillStreams>;
    return createTracing(stores, tracer).streams(streams as SeckillStreams);
  }

  test('an entry has a span from its read to its acknowledgement, and passes it on', async () => {
    const streams = traced([entry('1-0', sampled(1)), entry('2-0')]);
    const [batch] = await streams.read(10, 0);
    expect(exporter.getFinishedSpans()).toEqual([]);
    await streams.acknowledge('stream:seckill:1001', ['1-0', '2-0']);
    const [first, second] = ended('process stream:seckill:{productId}');
    expect(first?.spanContext().traceId).toBe(sampled(1).split('-')[1]);
    expect(second?.parentSpanContext).toBeUndefined();
    expect(batch?.entries.map(({ fields }) => fields?.traceparent?.split('-')[2])).toEqual([
      idOf(first),
      idOf(second),
    ]);
  });

  test.each([
    ['that was deleted', { id: '1-0', fields: undefined, deliveries: 1, bytes: 0 }, listening],
    ['that is not sampled', entry('1-0', unsampled), listening],
    ['when nothing is sampled', entry('1-0'), samplingNothing],
  ])('an entry %s is passed on unchanged', async (_, given, tracer) => {
    const streams = traced([given], tracer);
    const [batch] = await streams.read(10, 0);
    expect(batch?.entries[0]).toBe(given);
    await streams.acknowledge('stream:seckill:1001', ['1-0']);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  test('an entry whose trace is malformed begins a new one', async () => {
    const streams = traced([entry('1-0', 'nonsense')]);
    await streams.read(10, 0);
    await streams.acknowledge('stream:seckill:1001', ['1-0']);
    expect(ended('process stream:seckill:{productId}')[0]?.parentSpanContext).toBeUndefined();
  });
});

describe('a batch of messages', () => {
  const message = (id: string, traceparent?: string): Message => ({ id, body: Buffer.from(id), traceparent });

  test('a batch is published as it came, with the same ids, bytes and headers', async () => {
    const messages = [message('1', sampled(1)), message('2'), message('3', sampled(3))];
    const seen: Message[][] = [];
    const publisher = tracing.publisher({
      notReady: undefined,
      async ready() {},
      async publish(given) {
        seen.push(given);
        if (seen.length === 1) throw new Error('the broker went away');
        return [];
      },
    });
    await expect(publisher.publish(messages)).rejects.toThrow('went away');
    await publisher.publish(messages);
    expect(seen[0]).toBe(messages);
    expect(seen[1]).toBe(messages);
    const [failed, sent] = ended('send created');
    expect(failed?.status.code).toBe(SpanStatusCode.ERROR);
    expect(sent?.status.code).toBe(SpanStatusCode.UNSET);
    expect(sent?.links.map(({ context }) => context.traceId)).toEqual(
      [sampled(1), sampled(3)].map((trace) => trace.split('-')[1]),
    );
    expect(sent?.attributes['messaging.batch.message_count']).toBe(3);
  });

  test('readiness of the queue is that of the publisher at that moment', () => {
    const publisher = {
      notReady: 'not yet' as string | undefined,
      async ready() {},
      publish: async () => [],
    };
    const traced = tracing.publisher(publisher);
    expect(traced.notReady).toBe('not yet');
    publisher.notReady = undefined;
    expect(traced.notReady).toBeUndefined();
  });
});

describe('a result', () => {
  const settleAll: Settle = async (results) => results.map(() => 'applied' as const);

  test('a result of a foreign trace is linked to the trace that made the instance', async () => {
    await tracing.creation(createsAll())([{ ...createPurchase({}), traceparent: sampled(1) }]);
    const [made] = ended('create created');
    const result: InstanceResult = { ...success(1n as InstanceId), traceparent: sampled(7) };
    await tracing.settle(settleAll)([result, success(2n as InstanceId)]);
    const [settle] = ended('settle results');
    expect(linkedTo(settle)).toEqual([idOf(made), 'b7ad6b7169203331']);
    expect(settle?.spanContext().traceId).toBe(sampled(7).split('-')[1]);
    expect(settle?.attributes).toEqual({ 'weir.results': 2, 'weir.settled.applied': 2 });
  });

  test('a result is acknowledged as it came off the queue, with its span ended', async () => {
    const acknowledged: unknown[] = [];
    const queue = tracing.resultQueue({
      take: async () => [{ body: Buffer.from('x'), traceparent: sampled(1), tag: 17 }],
      acknowledge: (messages) => void acknowledged.push(...messages),
      pause() {},
      resume() {},
      returnDeliveries() {},
      readProgress: async () => ({ waiting: 0, finished: 0 }),
    } as ResultQueue);
    const taken = await queue.take(1, AbortSignal.timeout(1000));
    expect(ended('process answered')).toEqual([]);
    await queue.acknowledge(taken);
    expect(acknowledged).toEqual([expect.objectContaining({ body: Buffer.from('x'), tag: 17 })]);
    expect(ended('process answered')[0]?.spanContext().traceId).toBe(sampled(1).split('-')[1]);
  });
});

test('a request inside a foreign span is its child, and no second server span', async () => {
  const provider = new NodeTracerProvider({ spanProcessors });
  provider.register();
  const tracer = provider.getTracer('test');
  const request = { method: 'GET', route: '/v1/orders/:orderId', traceparent: sampled(1) };
  tracing.requests?.begin(request).end(200);
  tracer.startActiveSpan('GET', { kind: SpanKind.SERVER }, (outer: Span) => {
    tracing.requests?.begin(request).end(500);
    outer.end();
  });
  const [alone, inner] = ended('GET /v1/orders/:orderId');
  expect(alone).toMatchObject({
    kind: SpanKind.SERVER,
    parentSpanContext: { traceId: sampled(1).split('-')[1] },
  });
  expect(inner).toMatchObject({ kind: SpanKind.INTERNAL, status: { code: SpanStatusCode.ERROR } });
  expect(inner?.parentSpanContext?.spanId).toBe(idOf(ended('GET')[0]));
});

test('the newest traces of instances are remembered', () => {
  const recent = new RecentTraces(2);
  for (const id of [1n, 2n, 3n]) recent.remember(id as InstanceId, sampled(Number(id)));
  expect([1n, 2n, 3n].map((id) => recent.find(id as InstanceId))).toEqual([
    undefined,
    sampled(2),
    sampled(3),
  ]);
});
