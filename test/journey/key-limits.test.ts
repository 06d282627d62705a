import { connect } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { type HttpAnswer, startWeir } from '../support/weir.ts';
import { sendRaw, shareWeir } from './share-weir.ts';

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

describe('a limit that is exceeded', () => {
  /** Tokens are added while the requests run, so a few more than the limit are answered. */
  async function askUntilRefused(ask: () => Promise<HttpAnswer>, expected: number): Promise<HttpAnswer> {
    const answers: HttpAnswer[] = [];
    while (answers.length < 600 && !answers.some(({ status }) => status === 429)) {
      answers.push(...(await Promise.all(Array.from({ length: 50 }, ask))));
    }
    expect(new Set(answers.slice(0, 400).map(({ status }) => status))).toEqual(new Set([expected]));
    const refused = answers.find(({ status }) => status === 429) as HttpAnswer;
    expectProblem(refused, 429, 'RATE_LIMITED');
    return refused;
  }

  test('requests of one key beyond its rate are refused until a token is back', async () => {
    const { key } = await createKey('greedy', 'act');
    const refused = await askUntilRefused(
      () => weir.request('GET', '/v1/products', undefined, bearer(key)),
      200,
    );
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await weir.request('GET', '/v1/products', undefined, bearer(root))).status).toBe(200);
    const buy = await weir.request('POST', '/v1/sales/1/buy', { userId: '1' }, bearer(key));
    expectProblem(buy, 404, 'SALE_NOT_FOUND');
    for (const path of ['/healthz', '/readyz', '/metrics'])
      expect((await weir.request('GET', path, undefined, bearer(root))).status).toBe(200);
  });

  test('requests without a key are counted by address', async () => {
    const headers = fromSomewhere();
    await askUntilRefused(() => weir.request('GET', '/v1/products', undefined, headers), 401);
    expect((await weir.request('GET', '/v1/products', undefined, fromSomewhere())).status).toBe(401);
  });

  test('wrong keys are limited by address on purchase routes, logged and counted', async () => {
    const headers = fromSomewhere();
    const guess = (path: string) =>
      weir.request('POST', path, { userId: '1' }, { ...headers, ...bearer('a-wrong-key-of-monday') });
    const paths = ['/v1/sales/1/buy', '/v1/sales/1/tickets', '/v1/orders', '/v1/instances'];
    const answers: HttpAnswer[] = [];
    while (answers.length < 1_000 && !answers.some(({ status }) => status === 429)) {
      answers.push(...(await Promise.all(Array.from({ length: 40 }, (_, i) => guess(paths[i % 4] ?? '')))));
    }
    expect(new Set(answers.slice(0, 120).map(({ status }) => status))).toEqual(new Set([401]));
    const limited = answers.find(({ status }) => status === 429) as HttpAnswer;
    expectProblem(limited, 429, 'RATE_LIMITED');
    expect(limited.headers.get('connection')).toBe('keep-alive');
    const good = await weir.request('GET', '/v1/products', undefined, { ...headers, ...bearer(root) });
    expect(good.status).toBe(200);
    const lines = weir.lines.filter(
      ({ event, address }) => event === 'credentials_rejected' && address === headers['x-forwarded-for'],
    );
    expect(lines).toMatchObject([{ kind: 'key', count: 1 }]);
    const metrics = await weir.request('GET', '/metrics', undefined, bearer(root));
    const counted = /^weir_http_rejected_credentials_total\{kind="key"\} (\d+)$/m.exec(metrics.body)?.[1];
    expect(Number(counted)).toBeGreaterThan(120);
  });

  test('requests for purchases without any key are counted by address', async () => {
    const headers = fromSomewhere();
    const order = { productId: '1', userId: '1' };
    await askUntilRefused(() => weir.request('POST', '/v1/orders', order, headers), 401);
  });

  test('headers beyond their limit and bytes that are no HTTP are refused as problems', async () => {
    const long = await sendRaw(weir.url, 'GET', '/v1/products', { 'x-long': 'x'.repeat(17_000) });
    expect(long).toMatchObject({ status: 431, contentType: 'application/problem+json' });
    expect(JSON.parse(long.text)).toMatchObject({ status: 431, code: 'REQUEST_INVALID' });
    const { said } = await converse(weir.url, 'hello\r\n\r\n');
    expect(said).toContain('HTTP/1.1 400 Bad request');
    expect(said).toContain('"code":"REQUEST_INVALID"');
  });

  test('a connection whose headers take too long is closed', async () => {
    const { said } = await converse(weir.url, 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ');
    expect(said).toContain('HTTP/1.1 408');
  });

  test('connections beyond their limit are closed until others have gone', async () => {
    const few = await startWeir({ ...weir.settings, WEIR_SERVER_HTTP_MAXCONNECTIONS: '10' });
    const half = 'GET /healthz HTTP/1.1\r\n';
    const heard = await Promise.all(Array.from({ length: 30 }, () => converse(few.url, half)));
    const taken = heard.filter(({ said }) => said.includes('408')).length;
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThanOrEqual(10);
    const next = await converse(few.url, `${half}host: 127.0.0.1\r\nconnection: close\r\n\r\n`);
    expect(next.said).toContain('HTTP/1.1 200');
  });
});

/** Sends that on a plain connection and collects the answer until the other side closes it. */
function converse(url: string, words: string): Promise<{ said: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(Number(port), hostname, () => socket.write(words));
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      said += chunk;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve({ said }));
  });
}

test('a stream that a key has opened ends soon after the key is revoked', async () => {
  const { id, key } = await createKey('listener', 'read');
  const response = await fetch(`${weir.url}/v1/now/stream`, { headers: bearer(key) });
  expect(response.status).toBe(200);
  let told = '';
  let hasEnded = false;
  void (async () => {
    for await (const chunk of response.body ?? []) told += new TextDecoder().decode(chunk);
    hasEnded = true;
  })();
  await pollUntil('the first second', 10_000, async () => expect(told).toContain('event: now'));
  await weir.request('DELETE', `/v1/keys/${id}`, undefined, bearer(root));
  await pollUntil('the stream to end', 5_000, async () => expect(hasEnded).toBe(true));
});

describe('a buyer, who has no key', () => {
  test('a stranger with bad tickets keeps no buyer from buying, nor one buyer others', async () => {
    const productId = '4713';
    const product = { id: productId, name: 'GPU', cpus: 4, memoryMb: 1024, image: 'ubuntu' };
    expect((await weir.request('POST', '/v1/products', product, bearer(root))).status).toBe(201);
    const sale = { productId, stock: 9, admitPerSecond: 1_000 };
    expect((await weir.request('POST', '/v1/sales', sale, bearer(root))).status).toBe(201);
    const path = `/v1/sales/${productId}`;
    const given = await weir.request('POST', `${path}/tickets`, { userId: '501' }, bearer(root));
    const stranger = fromSomewhere();
    const forged = `${given.body.ticket.slice(0, -5)}AAAAA`;
    const flood = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        weir.request('POST', `${path}/buy`, { userId: '501', ticket: i % 2 ? 'x' : forged }, stranger),
      ),
    );
    expect(new Set(flood.map(({ body }) => body.code))).toEqual(new Set(['TICKET_INVALID']));
    const { ticket } = given.body;
    const { purchase } = await pollUntil('the ticket to admit', 5_000, async () => {
      const bought = await weir.request('POST', `${path}/buy`, { userId: '501', ticket }, fromSomewhere());
      if (bought.status === 409) throw new Error(bought.body.code);
      expect(bought.status).toBe(202);
      return bought.body;
    });
    await pollUntil('the instance', 15_000, async () =>
      expect((await weir.request('GET', `${purchase}?ticket=${ticket}`)).body.state).toBe('CREATED'),
    );
    // A user has at most ten of the waiting slots.
    const wait = () => weir.request('GET', `${purchase}?ticket=${ticket}&after=CREATED&wait=1`);
    const waits = await Promise.all(Array.from({ length: 14 }, wait));
    expect(waits.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(1);
    expect(waits.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(10);
  });

  test('a buyer buys with the ticket of the shop and asks for their own purchase only', async () => {
    const productId = '4711';
    const product = { id: productId, name: 'GPU', cpus: 4, memoryMb: 1024, image: 'ubuntu' };
    expect((await weir.request('POST', '/v1/products', product, bearer(root))).status).toBe(201);
    const sale = { productId, stock: 9, admitPerSecond: 1_000 };
    expect((await weir.request('POST', '/v1/sales', sale, bearer(root))).status).toBe(201);
    const path = `/v1/sales/${productId}`;
    expectProblem(await weir.request('POST', `${path}/tickets`, { userId: '11' }), 401, 'UNAUTHENTICATED');
    expectProblem(await weir.request('POST', `${path}/buy`, { userId: '11' }), 401, 'UNAUTHENTICATED');
    const issueTicket = async (userId: string) =>
      (await weir.request('POST', `${path}/tickets`, { userId }, bearer(root))).body.ticket;
    const buy = async (userId: string, ticket: string) =>
      pollUntil('the ticket to admit', 5_000, async () => {
        const answer = await weir.request('POST', `${path}/buy`, { userId, ticket });
        expect(answer.status).toBe(202);
        return answer.body.purchase;
      });
    const [mine, other] = [await issueTicket('11'), await issueTicket('12')];
    expectProblem(
      await weir.request('POST', `${path}/buy`, { userId: '12', ticket: mine }),
      403,
      'TICKET_INVALID',
    );
    const [purchase, another] = [await buy('11', mine), await buy('12', other)];
    await pollUntil('my instance', 15_000, async () =>
      expect((await weir.request('GET', `${purchase}?ticket=${mine}`)).body).toMatchObject({
        instance: { userId: '11' },
      }),
    );
    await pollUntil('the other to be there, and not for me', 15_000, async () =>
      expectProblem(await weir.request('GET', `${another}?ticket=${mine}`), 404, 'PURCHASE_NOT_FOUND'),
    );
    expectProblem(await weir.request('GET', purchase), 401, 'UNAUTHENTICATED');
    expectProblem(await weir.request('GET', `${purchase}?ticket=1.2.3`), 403, 'TICKET_INVALID');
    expect((await weir.request('GET', `${path}/tickets/${mine}`)).body).toMatchObject({ state: 'ADMITTED' });
  });

  test('a buyer may send the ticket in a header, which no access log records', async () => {
    const path = '/v1/sales/4712';
    const product = { id: '4712', name: 'GPU', cpus: 4, memoryMb: 1024, image: 'ubuntu' };
    expect((await weir.request('POST', '/v1/products', product, bearer(root))).status).toBe(201);
    const sale = { productId: '4712', stock: 9, admitPerSecond: 1_000 };
    expect((await weir.request('POST', '/v1/sales', sale, bearer(root))).status).toBe(201);
    const given = await weir.request('POST', `${path}/tickets`, { userId: '11' }, bearer(root));
    const { ticket } = given.body;
    const ask = (where: string, sent = ticket) =>
      weir.request('GET', where, undefined, { 'weir-ticket': sent });
    await pollUntil('the ticket to admit', 5_000, async () =>
      expect((await ask(`${path}/ticket`)).body).toMatchObject({ ticket, userId: '11', state: 'ADMITTED' }),
    );
    const { purchase } = (await weir.request('POST', `${path}/buy`, { userId: '11', ticket })).body;
    expect((await ask(purchase)).status).toBe(200);
    // The header counts when both are sent.
    expect((await ask(`${purchase}?ticket=1.2.3`)).status).toBe(200);
    for (const where of [purchase, `${path}/ticket`]) {
      expectProblem(await ask(where, '1.2.3'), 403, 'TICKET_INVALID');
      expectProblem(await ask(where, 'x'.repeat(129)), 400, 'REQUEST_INVALID');
    }
    expectProblem(await weir.request('GET', `${path}/ticket`), 403, 'TICKET_REQUIRED');
  });
});
