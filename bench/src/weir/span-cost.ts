import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import type { createTracing } from '../../../src/ops/telemetry/tracing/tracing.ts';
import { rootFolder } from '../folders.ts';

/** The cost of tracing for one purchase, over all wrapped parts; the parts inside do nothing. */
export interface SpanCost {
  /** undefined: no SDK is set up. */
  readonly sampled: number | undefined;
  readonly cpuMicros: number;
}

const entriesPerBatch = 500;
const batchesPerRun = 100;
const runs = 9;

/** CPU of this process, the median of several runs: other processes hardly affect it. */
export async function measureSpanCost(): Promise<SpanCost[]> {
  const file = pathToFileURL(join(rootFolder, 'dist/modules/ops/telemetry/tracing/tracing.js')).href;
  const { createTracing: create } = (await import(file)) as { createTracing: typeof createTracing };
  const costs: SpanCost[] = [];
  for (const sampled of [undefined, 0, 0.01, 0.1, 1]) {
    const stores = {
      redis: { addr: 'redis' },
      rabbitmq: { url: 'amqp', queue: 'created', resultQueue: 'answered' },
    };
    const tracing = sampled === undefined ? create(stores) : create(stores, createTracer(sampled));
    costs.push({ sampled, cpuMicros: await measureWay(tracing) });
  }
  return costs;
}

function createTracer(ratio: number) {
  const nowhere = {
    export: (_: unknown, done: (result: { code: number }) => void) => done({ code: 0 }),
    shutdown: async () => {},
    forceFlush: async () => {},
  };
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) });
  return new NodeTracerProvider({ sampler, spanProcessors: [new BatchSpanProcessor(nowhere)] }).getTracer(
    'bench',
  );
}

async function measureWay(tracing: ReturnType<typeof createTracing>): Promise<number> {
  const goOnce = createWay(tracing);
  for (let batch = 0; batch < batchesPerRun; batch++) await goOnce();
  const micros: number[] = [];
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage();
    for (let batch = 0; batch < batchesPerRun; batch++) await goOnce();
    const { user, system } = process.cpuUsage(before);
    micros.push((user + system) / batchesPerRun / entriesPerBatch);
  }
  return micros.sort((a, b) => a - b)[runs >> 1] ?? 0;
}

type Deps = ReturnType<typeof createTracing>;
type Streams = Parameters<Deps['streams']>[0];
type Create = Parameters<Deps['creation']>[0];
type Publisher = Parameters<Deps['publisher']>[0];

/** Read, create, publish, acknowledge, as the program does with one batch. */
function createWay(tracing: Deps): () => Promise<void> {
  const stream = 'stream:seckill:900001';
  const entries = Array.from({ length: entriesPerBatch }, (_, i) => ({
    id: `${i}-0`,
    fields: { uid: '1', traceparent: undefined },
    deliveries: 1,
  }));
  const ids = entries.map(({ id }) => id);
  const streams = tracing.streams({
    read: async () => [{ stream, entries }],
    acknowledge: async () => {},
  } as unknown as Streams);
  const create = tracing.creation((async (purchases) =>
    purchases.map((purchase, i) => ({
      kind: 'created',
      instance: { ...purchase, instanceId: BigInt(i + 1) },
    }))) as Create);
  const publisher = tracing.publisher({ publish: async () => [] } as unknown as Publisher);
  return async () => {
    const [batch] = await streams.read(entriesPerBatch, 0);
    const purchases = (batch?.entries ?? []).map(({ id, fields }) => ({
      ...{ source: 'SECKILL', scope: stream, sourceId: id, productId: 1n, userId: 1n },
      ...(fields?.traceparent ? { traceparent: fields.traceparent } : {}),
    }));
    await create(purchases as unknown as Parameters<Create>[0]);
    const body = Buffer.alloc(0);
    const messages = purchases.map(({ sourceId, ...rest }) => ({
      id: sourceId,
      body,
      ...('traceparent' in rest ? { traceparent: rest.traceparent } : {}),
    }));
    await publisher.publish(messages);
    await streams.acknowledge(stream, ids);
  };
}
