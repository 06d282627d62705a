import { PassThrough } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Attached } from '../../src/adapters/http/plugins/attached.ts';
import { boundHandlers } from '../../src/adapters/http/plugins/deadline.ts';
import { isApiRoute } from '../../src/adapters/http/plugins/is-api-route.ts';
import { createRequestIds, watchRequests } from '../../src/adapters/http/plugins/measure-requests.ts';
import { addOpenApi } from '../../src/adapters/http/plugins/openapi.ts';
import { addToProblem, createErrorHandler } from '../../src/adapters/http/plugins/problem.ts';
import { sendRefusal } from '../../src/adapters/http/plugins/refusal.ts';
import { traceRequests } from '../../src/adapters/http/plugins/trace-requests.ts';
import type { ProductId } from '../../src/core/instance/purchase.ts';
import { WeirError } from '../../src/errors.ts';
import type { TelemetryEvent } from '../../src/ops/telemetry/events.ts';

function createServer(options: FastifyServerOptions = {}): FastifyInstance {
  const http = Fastify(options);
  onTestFinished(() => http.close());
  return http;
}

/** Answers errors like the server, and collects the emitted events. */
function withProblems(http: FastifyInstance): TelemetryEvent[] {
  const events: TelemetryEvent[] = [];
  http.setErrorHandler(
    createErrorHandler({ emit: (event) => events.push(event), isTransient: () => false }, () => false),
  );
  return events;
}

const fail = (error: Error) => async () => {
  throw error;
};

describe('a handler that does not come back', () => {
  afterEach(() => void vi.useRealTimers());

  async function ask(config: object, readDatabase: () => string | undefined) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const http = createServer();
    withProblems(http);
    boundHandlers(http, { database: readDatabase });
    let finish = (_: string) => {};
    const handler = () =>
      new Promise<string>((resolve) => {
        finish = resolve;
      });
    http.get('/', { config }, handler);
    await http.ready();
    let answer: { statusCode: number; body: string } | undefined;
    const asked = http.inject('/').then((got) => {
      answer = got;
    });
    const pass = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      await new Promise((resolve) => setImmediate(resolve));
      return answer?.statusCode;
    };
    return { pass, finish: () => finish('done'), asked };
  }

  test('a request gets 503 after 4.5 s in place of a handler that hangs', async () => {
    const { pass } = await ask({ scope: 'read' }, () => undefined);
    expect(await pass(4_400)).toBeUndefined();
    expect(await pass(200)).toBe(503);
  });

  test('a long route may take longer as long as the database answers others', async () => {
    let isFrozen = false;
    const { pass } = await ask({ scope: 'read', isLong: true }, () => (isFrozen ? 'frozen' : undefined));
    expect(await pass(20_000)).toBeUndefined();
    isFrozen = true;
    expect(await pass(600)).toBe(503);
  });

  test('an answer that has begun has no deadline', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const http = createServer();
    withProblems(http);
    boundHandlers(http, { database: () => 'frozen' });
    const stream = new PassThrough();
    http.get('/', { config: { scope: 'read' } }, async (_, reply) => reply.send(stream));
    await http.ready();
    const asked = http.inject('/');
    stream.write('first, ');
    await vi.waitFor(() => expect(stream.readableFlowing).toBe(true));
    await vi.advanceTimersByTimeAsync(20_000);
    stream.end('last');
    expect((await asked).body).toBe('first, last');
  });

  test('an open route has no deadline', async () => {
    const { pass, finish, asked } = await ask({ scope: 'open' }, () => 'frozen');
    expect(await pass(20_000)).toBeUndefined();
    finish();
    await asked;
    expect(await pass(0)).toBe(200);
  });
});

describe('an error', () => {
  async function answer(error: Error, members?: object) {
    const http = createServer({ genReqId: () => 'request-7' });
    const events = withProblems(http);
    http.get('/', async (_, reply) => {
      if (members) addToProblem(reply, members);
      throw error;
    });
    return { ...(await http.inject('/')), json: (await http.inject('/')).json(), events };
  }

  test('an error with a code is answered as a problem with its status and advice', async () => {
    const { statusCode, headers, json } = await answer(
      new WeirError('ORDER_NOT_FOUND', 'there is no order 7'),
    );
    expect(statusCode).toBe(404);
    expect(headers).toMatchObject({
      'content-type': expect.stringContaining('application/problem+json'),
      'cache-control': 'no-store',
    });
    expect(json).toMatchObject({
      type: 'urn:weir:problem:order-not-found',
      title: 'Order not found',
      status: 404,
      code: 'ORDER_NOT_FOUND',
      detail: 'there is no order 7',
    });
  });

  test('an unknown error is a 500 that keeps its text inside and is logged', async () => {
    const { statusCode, json, events } = await answer(new Error('secret of the database'));
    expect(statusCode).toBe(500);
    expect(json.detail).toBe('internal error in request request-7');
    expect(events[0]).toMatchObject({ type: 'request failed', requestId: 'request-7', route: 'GET /' });
  });

  test('a rejection for load closes the connection and says when to come again', async () => {
    const { statusCode, headers } = await answer(
      new WeirError('RATE_LIMITED', 'too many', { retryAfterMs: 2_100 }),
    );
    expect([statusCode, headers['retry-after'], headers.connection]).toEqual([429, '3', 'close']);
  });

  test('a problem carries the members that a route adds', async () => {
    const { json } = await answer(new WeirError('ORDER_CONFLICT', 'other'), { orderId: '7' });
    expect(json).toMatchObject({ code: 'ORDER_CONFLICT', orderId: '7' });
  });
});

test('a refused purchase names its product and reason in a problem', async () => {
  const http = createServer();
  const events: TelemetryEvent[] = [];
  watchRequests(http, (event) => events.push(event));
  http.get('/', (_, reply) => sendRefusal(reply, 'SOLD_OUT', 1002n as ProductId));
  const answer = await http.inject('/');
  expect(answer.statusCode).toBe(409);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.json()).toMatchObject({ code: 'SOLD_OUT', detail: 'the sale of product 1002 is sold out' });
  expect(events).toMatchObject([{ problem: 'SOLD_OUT', status: 409 }]);
});

describe('a request that is answered', () => {
  test('an answered request is measured by its route and not by its path', async () => {
    const http = createServer({ genReqId: createRequestIds() });
    const events: TelemetryEvent[] = [];
    watchRequests(http, (event) => events.push(event));
    http.get('/v1/things/:id', async () => '');
    await http.inject('/v1/things/7');
    await http.inject('/nowhere');
    expect(events).toMatchObject([
      { type: 'request answered', method: 'GET', route: '/v1/things/:id', status: 200 },
      { type: 'request answered', method: 'GET', route: 'unmatched', status: 404 },
    ]);
    const [first, second] = events.map((event) => (event as { requestId: string }).requestId);
    expect(first).not.toBe(second);
  });

  test('a traced request hands its own context on, and its span ends with the status', async () => {
    const http = createServer();
    const seen: unknown[] = [];
    traceRequests(http, {
      begin: (request) => {
        seen.push(request);
        return { traceparent: 'own', end: (status) => seen.push(status) };
      },
    });
    http.get('/v1/things', async ({ headers }) => headers.traceparent);
    http.get('/healthz', async ({ headers }) => headers.traceparent ?? '');
    const headers = { traceparent: 'caller' };
    expect((await http.inject({ url: '/v1/things', headers })).body).toBe('own');
    expect((await http.inject({ url: '/healthz', headers })).body).toBe('caller');
    expect(seen).toEqual([{ method: 'GET', route: '/v1/things', traceparent: 'caller' }, 200]);
  });

  test('a route of the API is known however its path is written', async () => {
    const http = createServer();
    http.get('/v1/now', async (request) => isApiRoute(request));
    http.get('/page', async (request) => isApiRoute(request));
    expect((await http.inject('/%76%31/now')).body).toBe('true');
    expect((await http.inject('/page')).body).toBe('false');
  });
});

test('a value attached to one request is not found on another', () => {
  const attached = new Attached<object, number>();
  const [one, other] = [{}, {}];
  attached.set(one, 7);
  expect([attached.get(one), attached.get(other), Object.keys(one)]).toEqual([7, undefined, []]);
});

describe('the description of the API', () => {
  test('the description names operation, tag, scope and errors of each route', async () => {
    const http = createServer();
    await addOpenApi(http);
    http.get('/v1/things/:id', { config: { scope: 'read' }, schema: { summary: 'A thing' } }, async () => '');
    const { paths, tags } = (await http.inject('/openapi.json')).json();
    const { get } = paths['/v1/things/{id}'];
    expect(get).toMatchObject({
      summary: 'A thing',
      operationId: 'getThingsById',
      tags: ['things'],
      security: [{ operatorKey: [] }, { session: [] }],
      'x-weir-scope': 'read',
    });
    expect(Object.keys(get.responses)).toEqual(expect.arrayContaining(['200', '401', '429', '503', '4XX']));
    expect(tags.map(({ name }: { name: string }) => name)).toEqual(['process', 'things']);
  });

  test('a route without a summary ends the start', async () => {
    const http = createServer();
    await addOpenApi(http);
    expect(() => http.get('/v1/things', { config: { scope: 'open' } }, fail(new Error('never')))).toThrow(
      'GET /v1/things has no summary',
    );
  });
});
