import { gunzipSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compressAnswers } from '../../src/adapters/http/plugins/compress-answers.ts';
import { addJsonBodies, rawBody } from '../../src/adapters/http/plugins/json-body.ts';
import { trackMethods } from '../../src/adapters/http/plugins/method-not-allowed.ts';
import { requireRoom } from '../../src/adapters/http/plugins/receipt.ts';
import { describeMistakes } from '../../src/adapters/http/plugins/schema-mistake.ts';
import { boundSignedBody, createSignatureCheck } from '../../src/adapters/http/plugins/webhook-signature.ts';
import { StandardWebhook } from '../../src/lib/standard-webhook.ts';

function createServer(): FastifyInstance {
  const http = Fastify();
  onTestFinished(() => http.close());
  return http;
}

describe('a JSON body', () => {
  const echo = () => {
    const http = createServer();
    addJsonBodies(http);
    http.post('/', (request) => ({ body: request.body ?? null, raw: rawBody(request).toString() }));
    return (payload: string | Buffer, type = 'application/json') =>
      http.inject({ method: 'POST', url: '/', headers: { 'content-type': type }, payload });
  };

  test('a JSON body keeps its bytes as they came', async () => {
    const answer = await echo()('{ "a" : 1 }');
    expect(answer.json()).toEqual({ body: { a: 1 }, raw: '{ "a" : 1 }' });
  });

  test.each(['', ' \n\t'])('a blank JSON body counts as none: %j', async (payload) => {
    expect((await echo()(payload)).json()).toMatchObject({ body: null });
  });

  test.each([
    ['{', 'the body is not JSON'],
    [Buffer.from([0x22, 0xff, 0x22]), 'the body is not JSON'],
    ['['.repeat(1_000), 'the body nests deeper than'],
  ])('a malformed JSON body is rejected with its cause (case %#)', async (payload, cause) => {
    expect((await echo()(payload)).body).toContain(cause);
  });

  test('an empty body of another type counts as none, a full one is a 415', async () => {
    const send = echo();
    expect((await send('', 'application/x-www-form-urlencoded')).statusCode).toBe(200);
    expect((await send('a=1', 'application/x-www-form-urlencoded')).statusCode).toBe(415);
  });
});

describe('a signed callback', () => {
  const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'];
  const body = '{"orderId":"ORD1"}';

  async function call(orderId: string, signer: string | undefined, sent = body) {
    const http = createServer();
    let rejected = 0;
    const check = createSignatureCheck(secrets, () => rejected++);
    addJsonBodies(http);
    http.setErrorHandler((error: Error & { code?: string }, _, reply) => reply.status(401).send(error.code));
    http.post('/', async (request) => {
      await check(request, orderId);
      return 'passed';
    });
    const timestamp = `${Math.floor(Date.now() / 1000)}`;
    const signature = signer && new StandardWebhook(signer).sign('msg_1', timestamp, Buffer.from(body));
    const headers = {
      'content-type': 'application/json',
      ...(signature ? { 'webhook-id': 'msg_1', 'webhook-timestamp': timestamp } : {}),
      ...(signature ? { 'webhook-signature': signature } : {}),
    };
    const answer = await http.inject({ method: 'POST', url: '/', headers, payload: sent });
    return { said: answer.body, rejected };
  }

  test('a callback signed with any of the secrets passes', async () => {
    for (const secret of secrets) expect(await call('ORD1', secret)).toEqual({ said: 'passed', rejected: 0 });
  });

  test('a callback without a right signature is rejected and counted', async () => {
    const other = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    const invalid = { said: 'SIGNATURE_INVALID', rejected: 1 };
    expect(await call('ORD1', undefined)).toEqual(invalid);
    expect(await call('ORD1', other)).toEqual(invalid);
    expect(await call('ORD1', secrets[0], '{"orderId": "ORD1"}')).toEqual(invalid);
  });

  test('a signed callback for another order than the path is rejected', async () => {
    expect(await call('ORD2', secrets[0])).toEqual({ said: 'SIGNED_ORDER_DIFFERS', rejected: 0 });
  });

  test('a callback body is bounded only where secrets are set', () => {
    expect([boundSignedBody([]), boundSignedBody(secrets)]).toEqual([{}, { bodyLimit: 4_096 }]);
  });
});

describe('a compressed answer', () => {
  const serve = (length: number, accepted: string | undefined, method: 'GET' | 'POST' = 'GET') => {
    const http = createServer();
    compressAnswers(http);
    const config = { scope: 'open' } as const;
    http.route({ method, url: '/', config, handler: async () => 'a'.repeat(length) });
    return http.inject({ method, url: '/', headers: accepted ? { 'accept-encoding': accepted } : {} });
  };

  test('an answer of 1,024 characters is compressed for a caller who accepts gzip', async () => {
    const answer = await serve(1_024, 'gzip');
    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' });
    expect(gunzipSync(answer.rawPayload).toString()).toBe('a'.repeat(1_024));
  });

  test('a small answer, a POST and a caller without gzip get the plain text', async () => {
    const answers = [serve(1_023, 'gzip'), serve(2_000, 'gzip', 'POST'), serve(2_000, 'gzip;q=0')];
    for (const answer of await Promise.all(answers)) {
      expect(answer.headers['content-encoding']).toBeUndefined();
    }
  });
});

test('a path knows its methods, and an unknown path has none', async () => {
  const http = createServer();
  const methodsOf = trackMethods(http, {});
  http.post('/v1/things', async () => '');
  http.delete('/v1/things/:id', async () => '');
  await http.ready();
  expect(methodsOf('/v1/things')).toEqual(['POST']);
  expect(methodsOf('/v1/things/7')).toEqual(['DELETE']);
  expect(methodsOf('/v1/others')).toEqual([]);
});

test('a purchase is refused as OVERLOADED only above the high-water mark', () => {
  expect(() => requireRoom(() => true)).not.toThrow();
  expect(() => requireRoom(() => false)).toThrow(expect.objectContaining({ code: 'OVERLOADED' }));
});

describe('a schema mistake', () => {
  const describeOne = (mistake: object) =>
    describeMistakes([{ instancePath: '', params: {}, ...mistake } as never], 'body').message;
  const text = { keyword: 'maxLength', instancePath: '/name' };

  test.each([
    [{ keyword: 'required', params: { missingProperty: 'userId' } }, 'userId is missing'],
    [{ keyword: 'type', params: { type: 'object' }, data: [] }, 'the body must be an object'],
    [
      { keyword: 'minimum', instancePath: '/a/b', parentSchema: { minimum: 1, maximum: 9 }, data: 0 },
      'a.b must be 1 to 9, not 0',
    ],
    [
      { keyword: 'enum', instancePath: '/state', parentSchema: { enum: ['A', 'B', 'C'] }, data: 'D' },
      'state must be A, B or C, not D',
    ],
    [
      { ...text, parentSchema: { maxLength: 3 }, data: 'a b c' },
      'name must be at most 3 characters, not "a b c"',
    ],
  ])('a schema mistake names its field and its rule (case %#)', (mistake, sentence) => {
    expect(describeOne(mistake)).toBe(sentence);
  });

  test('a schema mistake repeats no secret and no long value', () => {
    const secret = { ...text, parentSchema: { maxLength: 3, writeOnly: true }, data: 'secret' };
    expect(describeOne(secret)).toBe('name must be at most 3 characters');
    expect(describeOne({ ...text, parentSchema: { maxLength: 3 }, data: 'x'.repeat(500) })).toMatch(
      /x{40}…$/,
    );
  });
});
