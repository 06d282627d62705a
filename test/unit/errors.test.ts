import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import Fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createErrorHandler } from '../../src/adapters/http/plugins/problem.ts';
import { parkedReasons } from '../../src/core/parked/parked-item.ts';
import { adviceFor, adviceForParked, type ErrorCode, toWeirError, WeirError } from '../../src/errors.ts';
import type { TelemetryEvent } from '../../src/ops/telemetry/events.ts';
import { readSourceFiles } from './source-files.ts';

const source = readFileSync(new URL('../../src/errors.ts', import.meta.url), 'utf8');
/** The table is private to its file, so its codes are read from the text. */
const codes = [...source.matchAll(/^ {2}([A-Z][A-Z_]+): \[/gm)].map(([, code]) => code as ErrorCode);

const tables = ['errors.ts', 'adapters/http/plugins/statuses.ts'];
/** Codes that a source file other than those tables contains as a string. */
const usedCodes = new Set(
  readSourceFiles()
    .filter(({ path }) => !tables.includes(path) && !path.startsWith('dashboard/'))
    .flatMap(({ text }) => text.match(/\b[A-Z][A-Z]+(?:_[A-Z]+)*\b/g) ?? []),
);

/** An app whose only route throws the given error, and the events that it emitted. */
function createApp(error: () => unknown, isTransient: (error: unknown) => boolean = () => false) {
  const told: TelemetryEvent[] = [];
  const app: FastifyInstance = Fastify({ bodyLimit: 100 });
  app.setErrorHandler(createErrorHandler({ emit: (event) => told.push(event), isTransient }));
  app.post('/things/:id', async () => {
    throw error();
  });
  onTestFinished(() => app.close());
  const answer = async (payload: string | object = {}, headers: Record<string, string> = {}) => {
    const response = await app.inject({ method: 'POST', url: '/things/1', payload, headers });
    return { status: response.statusCode, headers: response.headers, problem: response.json() };
  };
  return { answer, told };
}

test('the codes are found in the text', () => {
  expect(codes.length).toBeGreaterThan(20);
  expect(codes).toContain('STORE_UNAVAILABLE');
  expect(new Set(codes).size).toBe(codes.length);
});

describe.each(codes)('%s', (code) => {
  test('an error code is used by a source file other than the tables of codes', () => {
    expect(usedCodes).toContain(code);
  });

  test('a code of a parked item has advice: a sentence that ends with a full stop', () => {
    const { advice } = new WeirError(code, 'it happened');
    expect(advice).toMatch(/^[A-Z].{15,}\.$/);
    expect(adviceFor(code)).toBe(advice);
    expect(adviceForParked(code)).toMatch(/^[A-Z].{15,}\.$/);
  });

  test('an error code is a problem over HTTP with its own status, type and advice', async () => {
    const error = new WeirError(code, 'it happened', { cause: new Error('the cause') });
    const { answer, told } = createApp(() => error);
    const { status, headers, problem } = await answer();
    expect(headers['content-type']).toContain('application/problem+json');
    expect(problem).toEqual({
      type: `urn:weir:problem:${code.toLowerCase().replaceAll('_', '-')}`,
      title: expect.stringMatching(/^[A-Z][a-z ]+$/),
      status,
      code,
      detail: code === 'INTERNAL' ? expect.not.stringContaining('it happened') : 'it happened',
      advice: error.advice,
    });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    // A transient error is a 5xx or 429 with Retry-After, unless it is a bug.
    if (error.isTransient && status !== 429) expect(status).toBeGreaterThanOrEqual(500);
    expect(headers['retry-after']).toBe(status === 503 || status === 429 ? '1' : undefined);
    // An unavailable store is reported once by the parts that wait for it, not once per request.
    expect(told.map(({ type }) => type)).toEqual(status === 500 ? ['request failed'] : []);
  });
});

test.each(parkedReasons)('an item parked for %s has its own advice', (reason) => {
  expect(codes).toContain(reason);
  expect(adviceForParked(reason)).toMatch(/^[A-Z].{15,}\.$/);
});

test('an unknown code has no advice for an operator', () => {
  expect(adviceForParked('COFFEE')).toBe('');
  expect(adviceForParked('toString')).toBe('');
});

test('statuses are those of the contract', async () => {
  const contract: [ErrorCode, number][] = [
    ['USER_ID_INVALID', 400],
    ['REQUEST_INVALID', 400],
    ['SIGNATURE_INVALID', 401],
    ['PRODUCT_NOT_FOUND', 404],
    ['ORDER_NOT_FOUND', 404],
    ['INSTANCE_NOT_FOUND', 404],
    ['PURCHASE_CONFLICT', 409],
    ['IDEMPOTENCY_CONFLICT', 409],
    ['PRODUCT_DISABLED', 422],
    ['INTERNAL', 500],
    ['STORE_UNAVAILABLE', 503],
    ['OVERLOADED', 503],
  ];
  for (const [code, status] of contract) {
    expect((await createApp(() => new WeirError(code, 'x')).answer()).status, code).toBe(status);
  }
});

describe('an error without a code', () => {
  test('an error without a code is INTERNAL, keeps its cause and reveals none of it', async () => {
    const { answer, told } = createApp(() => new Error('password is hunter2'));
    const { status, problem } = await answer();
    expect([status, problem.code]).toEqual([500, 'INTERNAL']);
    expect(JSON.stringify(problem)).not.toContain('hunter2');
    expect(told).toMatchObject([{ type: 'request failed', route: 'POST /things/:id' }]);
  });

  test('an error of an unavailable store is 503 with Retry-After and reveals nothing', async () => {
    const failure = new Error('connect ECONNREFUSED 10.0.0.7:5432');
    const { answer } = createApp(
      () => failure,
      (error) => error === failure,
    );
    const { status, headers, problem } = await answer();
    expect([status, problem.code, headers['retry-after']]).toEqual([503, 'STORE_UNAVAILABLE', '1']);
    expect(JSON.stringify(problem)).not.toContain('10.0.0.7');
  });

  test('an error of an unavailable store is also recognised under INTERNAL', async () => {
    const failure = new Error('connection terminated');
    const { answer } = createApp(
      () => toWeirError(failure),
      (error) => error === failure,
    );
    expect((await answer()).problem.code).toBe('STORE_UNAVAILABLE');
  });

  test('anything thrown becomes a WeirError with its message and cause', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.integer(), fc.constant(undefined), fc.constant(null)),
        (thrown) => {
          const error = toWeirError(thrown);
          expect(error).toBeInstanceOf(WeirError);
          expect(error).toMatchObject({
            code: 'INTERNAL',
            isTransient: true,
            message: String(thrown),
            cause: thrown,
          });
        },
      ),
    );
    const cause = new TypeError('x is not a function');
    expect(toWeirError(cause)).toMatchObject({ code: 'INTERNAL', message: cause.message, cause });
  });
});

test('a WeirError stays what it is', () => {
  const error = new WeirError('OVERLOADED', 'too much');
  expect(toWeirError(error)).toBe(error);
  expect(error).toMatchObject({ name: 'WeirError', message: 'too much' });
});

describe('what Fastify refuses before a route sees it keeps its own status', () => {
  test.each([
    ['JSON that is none', '{', { 'content-type': 'application/json' }, 400],
    ['a body that is too long', JSON.stringify('x'.repeat(200)), { 'content-type': 'application/json' }, 413],
    ['a type without a parser', 'x', { 'content-type': 'application/x-thing' }, 415],
  ])('Fastify refuses %s with its own status', async (_, payload, headers, expected) => {
    const { answer, told } = createApp(() => new Error('not reached'));
    const { status, problem } = await answer(payload, headers);
    expect([status, problem.status, problem.code]).toEqual([expected, expected, 'REQUEST_INVALID']);
    expect(told).toEqual([]);
  });
});

test('a refused request is not advised to replay or discard, and its parked item is', () => {
  const refused = [
    'PRODUCT_NOT_FOUND',
    'PRODUCT_DISABLED',
    'ORDER_NOT_FOUND',
    'RESULT_INVALID',
    'RESULT_NOT_FOUND',
  ];
  for (const code of refused as ErrorCode[]) {
    expect(adviceFor(code), code).not.toMatch(/replay|discard/i);
    expect(adviceForParked(code), code).toMatch(/replay|discard/i);
  }
});

test('a reason that is no code of ours has no advice', () => {
  for (const reason of ['', 'NO_SUCH_CODE', 'internal', 'toString', 'constructor', '__proto__']) {
    expect(adviceForParked(reason), reason).toBe('');
  }
});
