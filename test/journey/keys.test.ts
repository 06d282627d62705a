import { beforeAll, describe, expect, test } from 'vitest';
import { createOperatorKey } from '../../src/ops/access/operator-key.ts';
import { pollUntil } from '../support/poll-until.ts';
import { type HttpAnswer, type RunningWeir, runWeir, startWeir } from '../support/weir.ts';
import { shareWeir } from './share-weir.ts';

/** This machine is the trusted proxy, so X-Forwarded-For and -Proto of the tests are accepted. */
const configuredKey = 'configured-key-of-monday';
const weir = shareWeir({
  WEIR_SERVER_HTTP_TRUSTEDPROXIES: '127.0.0.1',
  WEIR_SERVER_HTTP_OPERATORKEYS: configuredKey,
  WEIR_SERVER_HTTP_WEBHOOKSECRETS: `whsec_${Buffer.from('the secret that is in force').toString('base64')}`,
  WEIR_SERVER_HTTP_REQUESTSPERMINUTE: '400',
  WEIR_SERVER_HTTP_LOGINSPERMINUTE: '6',
  WEIR_SERVER_HTTP_HEADERSTIMEOUTMS: '500',
});

const inDatabase = (...args: string[]) => runWeir(['keys', ...args], { WEIR_DATA_DATABASE_SOURCE: source() });
const source = () => weir.settings.WEIR_DATA_DATABASE_SOURCE ?? '';
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
let addresses = 0;
/** An address of the test, so that no test counts against another's. */
const fromSomewhere = () => ({ 'x-forwarded-for': `198.51.100.${++addresses}` });

function expectProblem(answer: HttpAnswer, status: number, code: string): void {
  expect(answer.body).toMatchObject({ status, code });
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
}

let root = '';

beforeAll(async () => {
  const first = { name: 'root', scope: 'admin' };
  expectProblem(await weir.request('POST', '/v1/keys', first), 401, 'UNAUTHENTICATED');
  const { status, body } = await weir.request('POST', '/v1/keys', first, bearer(configuredKey));
  expect(status).toBe(201);
  expect(body.key).toMatch(/^weir_admin_[0-9A-Za-z]{49}$/);
  root = body.key;
  expectProblem(await weir.request('GET', '/v1/products'), 401, 'UNAUTHENTICATED');
});

async function createKey(name: string, scope: string): Promise<{ id: string; key: string }> {
  const { status, body } = await weir.request('POST', '/v1/keys', { name, scope }, bearer(root));
  expect(status).toBe(201);
  return body;
}

interface Session {
  cookie: string;
  setCookie: string;
  answer: HttpAnswer;
}

async function openSession(key: string, headers: Record<string, string> = {}): Promise<Session> {
  const answer = await weir.request('POST', '/v1/session', { key }, { ...fromSomewhere(), ...headers });
  expect(answer.status).toBe(201);
  const setCookie = answer.headers.get('set-cookie') ?? '';
  return { cookie: setCookie.split(';')[0] ?? '', setCookie, answer };
}

describe('a key', () => {
  test('a key is shown once, listed without it, and may do what its scope says', async () => {
    const { id, key } = await createKey('reader', 'read');
    const { body } = await weir.request('GET', '/v1/keys', undefined, bearer(root));
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual(['reader', 'root']);
    expect(body.items[0]).toMatchObject({ id, scope: 'read', createdBy: 'root', revokedAt: null });
    expect(JSON.stringify(body)).not.toContain(key);

    expect((await weir.request('GET', '/v1/products', undefined, bearer(key))).status).toBe(200);
    const refused = await weir.request('POST', '/v1/parked/replay', { ids: ['1'] }, bearer(key));
    expectProblem(refused, 403, 'INSUFFICIENT_SCOPE');
    const full = await weir.request('GET', '/v1/audit?full=true', undefined, bearer(key));
    expectProblem(full, 403, 'INSUFFICIENT_SCOPE');
    expect((await weir.request('GET', '/v1/audit', undefined, bearer(key))).status).toBe(200);
    expect(refused.body.detail).toContain('act');
    expectProblem(await weir.request('GET', '/v1/keys', undefined, bearer(key)), 403, 'INSUFFICIENT_SCOPE');
  });

  test('a key that is revoked opens nothing a second later in any process', async () => {
    const second = await startWeir(weir.settings);
    const { id, key } = await createKey('short-lived', 'act');
    const ask = (where: { request: RunningWeir['request'] }) =>
      where.request('GET', '/v1/products', undefined, bearer(key));
    for (const where of [weir, second]) expect((await ask(where)).status).toBe(200);
    expect((await weir.request('DELETE', `/v1/keys/${id}`, undefined, bearer(root))).body.revokedBy).toBe(
      'root',
    );
    const revokedMs = performance.now();
    expectProblem(await ask(weir), 401, 'UNAUTHENTICATED');
    await pollUntil('the other process should refuse it', 1_000, async () => {
      const { status } = await ask(second);
      if (status !== 401) throw new Error(`${status} after ${Math.round(performance.now() - revokedMs)} ms`);
    });
  });

  test('a key has its name recorded with each change', async () => {
    const { key } = await createKey('on-call', 'act');
    const { rows } = await weir.database.query(
      `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
       VALUES ('STREAM', 'USER_ID_INVALID', 'a test', 'SECKILL', 'stream:seckill:1', '1-0', '') RETURNING id`,
    );
    const { body } = await weir.request(
      'POST',
      `/v1/parked/${rows[0].id}/discard`,
      { reason: 'a test' },
      bearer(key),
    );
    expect(body).toMatchObject({ state: 'DISCARDED' });
    const item = await weir.request('GET', `/v1/parked/${rows[0].id}`, undefined, bearer(key));
    expect(item.body.resolvedBy).toBe('on-call');
  });

  test('a key cannot expire in the past, take a used name, or have an invalid one', async () => {
    const create = (body: object) => weir.request('POST', '/v1/keys', body, bearer(root));
    expectProblem(
      await create({ name: 'a', scope: 'read', expiresAt: '2020-01-01T00:00:00Z' }),
      422,
      'KEY_EXPIRY_INVALID',
    );
    expectProblem(await create({ name: 'root', scope: 'read' }), 409, 'KEY_CONFLICT');
    for (const body of [
      { name: 'a b', scope: 'read' },
      { name: '-', scope: 'read' },
      { name: 'a', scope: 'all' },
    ])
      expectProblem(await create(body), 400, 'REQUEST_INVALID');
    for (const id of ['0', '999999', 'root', '%00', '99999999999999999999'])
      expectProblem(
        await weir.request('DELETE', `/v1/keys/${id}`, undefined, bearer(root)),
        404,
        'KEY_NOT_FOUND',
      );
  });
});

describe('on the command line', () => {
  test('a key is made, listed and revoked in the database itself, by name', async () => {
    const made = await inDatabase('create', 'nightly', '--scope', 'read', '--expires', '90d', '--json');
    const { key, expiresAt, createdBy } = JSON.parse(made.stdout);
    expect(createdBy).toBe('command line');
    expect(Date.parse(expiresAt) / 86_400_000).toBeCloseTo(Date.now() / 86_400_000 + 90, 2);
    expect((await weir.request('GET', '/v1/products', undefined, bearer(key))).status).toBe(200);

    const list = await inDatabase('list');
    expect(list.stdout).toMatch(/nightly +read +in force until/);
    expect(list.stdout).not.toContain('weir_');
    expect((await inDatabase('create', 'nightly', '--scope', 'read')).stderr).toContain(
      'there is already a key nightly',
    );
    expect((await inDatabase('revoke', 'nightly')).stdout).toMatch(
      /^Revoked key \d+ \(nightly\) in database \S+ on /,
    );
    expect(await inDatabase('revoke', 'nobody')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/^weir: cannot find key nobody in database \S+ on \S+\n$/),
    });
  });

  test('a refusal says what is needed and how to get it, and WEIR_KEY is how it is given', async () => {
    const { key } = await createKey('terminal', 'read');
    const run = (args: string[], env = {}) => runWeir([...args, '--url', weir.url], env);
    const without = await run(['parked', 'list']);
    expect(without).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/401.*weir keys create.*WEIR_KEY/),
    });
    expect(await run(['parked', 'list'], { WEIR_KEY: key })).toMatchObject({ code: 0, stderr: '' });
    const tooSmall = await run(['parked', 'replay', '1'], { WEIR_KEY: key });
    expect(tooSmall).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /403: this requires scope act; terminal has scope read.*weir keys create/,
      ),
    });
    const made = await run(['keys', 'create', 'by-wire', '--scope', 'act', '--key', root]);
    expect(made.stdout).toMatch(/^weir_act_/);
    const revoked = await runWeir(['keys', 'revoke', 'by-wire'], { WEIR_KEY: root, WEIR_URL: weir.url });
    expect(revoked).toMatchObject({ code: 0, stdout: expect.stringContaining(`in the Weir at ${weir.url}`) });
    const stats = await runWeir(['stats'], { WEIR_KEY: root, WEIR_URL: weir.url });
    expect(stats).toMatchObject({ code: 0, stderr: `Answered by the Weir at ${weir.url}\n` });
  });

  test('doctor counts keys and names what is open', async () => {
    const diagnose = async (env: Record<string, string>) => {
      const { stdout } = await runWeir(['doctor', '--json'], env);
      const { findings } = JSON.parse(stdout) as {
        findings: { about: string; level: string; what: string }[];
      };
      return findings.filter(({ about }) => about === 'access').map(({ level, what }) => `${level}: ${what}`);
    };
    expect(await diagnose({ WEIR_DATA_DATABASE_SOURCE: source() })).toEqual([
      expect.stringMatching(
        /^ok: 0 keys in server\.http\.operatorKeys, \d+ in the database \(1 with scope admin\)$/,
      ),
      expect.stringMatching(/^warning: no webhook secret/),
    ]);
    expect(
      await diagnose({
        WEIR_SERVER_HTTP_ADDR: '0.0.0.0:8000',
        WEIR_SERVER_HTTP_METRICS: 'open',
        WEIR_SERVER_HTTP_OPERATORKEYS: 'configured-key-of-monday',
        WEIR_SERVER_HTTP_WEBHOOKSECRETS: `whsec_${Buffer.from('the secret that is in force').toString('base64')}`,
      }),
    ).toEqual([
      expect.stringMatching(/^ok: 1 keys in server\.http\.operatorKeys/),
      'warning: /metrics is open to everyone who can reach 0.0.0.0:8000',
    ]);
  });
});

test('a key change is logged with name, request and id, and never with a key', async () => {
  const { id, key } = await createKey('told', 'admin');
  await openSession(key);
  await weir.request('PATCH', '/v1/products/77', { enabled: false }, bearer(key));
  await weir.request('DELETE', `/v1/keys/${id}`, undefined, bearer(key));
  const told = await pollUntil('the acts to be told', 5_000, async () => {
    const lines = weir.lines.filter(({ event, by }) => event === 'activity_recorded' && by === 'told');
    expect(lines).toHaveLength(2);
    return lines;
  });
  expect(told).toMatchObject([
    { did: 'POST /v1/session', requestId: expect.any(String) },
    { did: 'DELETE /v1/keys/:id', on: { id } },
  ]);
  const made = weir.lines.findLast(({ did }) => did === 'POST /v1/keys');
  expect(made).toMatchObject({ asked: { name: 'told', scope: 'admin' } });
  expect(JSON.stringify(weir.lines)).not.toContain(key);
});

describe('a session', () => {
  test('a session is a cookie that no script reads, and may do what its key may', async () => {
    const { key } = await createKey('page', 'act');
    const { cookie, setCookie, answer } = await openSession(key);
    expect(answer.body).toMatchObject({ name: 'page', scopes: ['read', 'act'], open: false });
    expect(Date.parse(answer.body.expiresAt) - Date.now()).toBeGreaterThan(11.9 * 3_600_000);
    expect(setCookie.split('; ').slice(1).sort()).toEqual([
      'HttpOnly',
      'Max-Age=43200',
      'Path=/',
      'SameSite=Strict',
    ]);
    expect(cookie).toMatch(/^weir-\d+=[\w-]{43}$/);
    expect(await weir.request('GET', '/v1/session', undefined, { cookie })).toMatchObject({
      status: 200,
      body: { name: 'page', scopes: ['read', 'act'], open: false, expiresAt: answer.body.expiresAt },
    });
    expect((await weir.request('GET', '/v1/products', undefined, { cookie })).status).toBe(200);
    expectProblem(await weir.request('GET', '/v1/keys', undefined, { cookie }), 403, 'INSUFFICIENT_SCOPE');
  });

  test('a session over TLS is bound to this host, and one of plain HTTP opens nothing', async () => {
    const tls = { 'x-forwarded-proto': 'https' };
    const { cookie, setCookie } = await openSession(root, tls);
    expect(setCookie.split('; ')).toEqual(
      expect.arrayContaining(['Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/']),
    );
    expect(setCookie).not.toContain('Domain');
    expect(cookie).toMatch(/^__Host-weir-\d+=/);
    expect((await weir.request('GET', '/v1/session', undefined, { cookie, ...tls })).status).toBe(200);
    expect((await weir.request('GET', '/v1/session', undefined, { cookie })).status).toBe(401);
    const plain = cookie.replace('__Host-', '');
    expect((await weir.request('GET', '/v1/session', undefined, { cookie: plain, ...tls })).status).toBe(401);
  });

  test('a session changes something only for a page of this origin', async () => {
    const { cookie } = await openSession(root);
    const origin = new URL(weir.url).origin;
    const product = { id: '77', name: 'x', cpus: 1, memoryMb: 1, image: 'x' };
    const create = (headers: Record<string, string>) =>
      weir.request('POST', '/v1/products', product, { cookie, ...headers });
    for (const headers of [
      {},
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: origin.replace('127.0.0.1', 'localhost') },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      { origin, 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
      { origin, 'x-forwarded-proto': 'https' },
    ] as Record<string, string>[]) {
      const answer = await create(headers);
      expect([401, 403], JSON.stringify(headers)).toContain(answer.status);
      expect(
        (await weir.request('DELETE', '/v1/session', undefined, { cookie, ...headers })).status === 204,
      ).toBe(headers['x-forwarded-proto'] !== undefined);
    }
    expectProblem(await create({}), 403, 'ORIGIN_NOT_ALLOWED');
    expect((await weir.request('GET', '/v1/products/77', undefined, { cookie })).status).toBe(404);
    expect((await create({ origin })).status).toBe(201);
    expect((await create({ 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  test('a session that is ended or whose key is revoked ends in every process', async () => {
    const second = await startWeir(weir.settings);
    const origin = new URL(weir.url).origin;
    // Its name contains the port: two Weirs behind one address would otherwise use the same cookie.
    const rename = (cookie: string) => cookie.replace(/^weir-\d+/, `weir-${new URL(second.url).port}`);
    const ask = (cookie: string) =>
      second.request('GET', '/v1/session', undefined, { cookie: rename(cookie) });
    const expectEnd = (cookie: string) =>
      pollUntil('the session should end', 1_000, async () => {
        const { status } = await ask(cookie);
        if (status !== 401) throw new Error(`${status}`);
      });
    const { id, key } = await createKey('two-windows', 'read');
    const [first, other] = [await openSession(key), await openSession(key)];
    for (const { cookie } of [first, other]) expect((await ask(cookie)).status).toBe(200);
    const ended = await weir.request('DELETE', '/v1/session', undefined, { cookie: first.cookie, origin });
    expect(ended.status).toBe(204);
    expect(ended.headers.get('set-cookie')).toMatch(/^weir-\d+=; Max-Age=0; Path=\//);
    await expectEnd(first.cookie);
    expect((await ask(other.cookie)).status).toBe(200);
    await weir.request('DELETE', `/v1/keys/${id}`, undefined, bearer(root));
    await expectEnd(other.cookie);
  });

  test('a session is not opened by a wrong key, nor after many attempts by any key', async () => {
    const headers = fromSomewhere();
    const attempt = (key: string) => weir.request('POST', '/v1/session', { key }, headers);
    for (const key of [
      'x',
      createOperatorKey('admin'),
      `${root}x`,
      root.slice(0, -1),
      root.toUpperCase(),
      ' ',
    ])
      expectProblem(await attempt(key), 401, 'UNAUTHENTICATED');
    const refused = await attempt(root);
    expectProblem(refused, 429, 'RATE_LIMITED');
    const retryAfter = Number(refused.headers.get('retry-after'));
    expect(retryAfter >= 1 && retryAfter <= 10, `${retryAfter}`).toBe(true);
    expect((await weir.request('POST', '/v1/session', { key: root }, fromSomewhere())).status).toBe(201);
  });
});
