import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pollUntil } from './poll-until.ts';

export interface ReceivedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  kind: string;
  links: { traceId: string; spanId: string }[];
  attributes: Record<string, unknown>;
  isError: boolean;
}

export interface OtlpReceiver {
  url: string;
  spans: ReceivedSpan[];
  /** The first received span that matches. */
  waitFor(what: string, fits: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan>;
  close(): void;
}

/** A collector for OTLP over HTTP with JSON bodies, which stores the received spans. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      for (const { scopeSpans } of body.resourceSpans) {
        for (const { spans: sent } of scopeSpans) spans.push(...sent.map(toSpan));
      }
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    waitFor: (what, fits) =>
      pollUntil(`the span ${what}`, 15_000, async () => {
        const span = spans.find(fits);
        if (span) return span;
        throw new Error(`only ${spans.map(({ name }) => name).join(', ')} have come`);
      }),
    close: () => server.close(),
  };
}

interface OtlpSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  links?: { traceId: string; spanId: string }[];
  attributes?: { key: string; value: Record<string, unknown> }[];
  status?: { code?: number };
}

interface OtlpBody {
  resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
}

async function readBody(request: IncomingMessage): Promise<OtlpBody> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

const kinds = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];

function toSpan({ kind, links = [], attributes = [], status, ...span }: OtlpSpan): ReceivedSpan {
  return {
    name: span.name,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId || undefined,
    kind: kinds[kind] ?? '?',
    links: links.map(({ traceId, spanId }) => ({ traceId, spanId })),
    attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]])),
    isError: status?.code === 2,
  };
}
