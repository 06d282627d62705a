import { describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import type { HttpAnswer } from '../support/weir.ts';
import { sendRaw, shareWeir } from './share-weir.ts';

// It reads no stream, so purchases wait there.
const key = 'the-key-of-the-shop';
const weir = shareWeir({
  WEIR_SERVER_HTTP_OPERATORKEYS: key,
  WEIR_SERVER_HTTP_WEBHOOKSECRETS: `whsec_${Buffer.from('the secret that is in force').toString('base64')}`,
  WEIR_SERVER_ROLES: 'http,relay',
  WEIR_SERVER_HTTP_TRUSTEDPROXIES: '127.0.0.1',
  WEIR_SALE_USERPERSECOND: '1',
  WEIR_SALE_ADDRESSPERSECOND: '1',
});
let count = 0;

/** As the shop. */
const ask = (method: string, path: string, body?: unknown) =>
  weir.request(method, path, body, { authorization: `Bearer ${key}` });

async function openSale(terms: object = {}): Promise<string> {
  const productId = `${70_000 + ++count}`;
  const product = { id: productId, name: 'GPU', cpus: 4, memoryMb: 1024, image: 'ubuntu' };
  expect((await ask('POST', '/v1/products', product)).status).toBe(201);
  const opened = await ask('POST', '/v1/sales', { productId, stock: 10, ...terms });
  expect(opened.body).toMatchObject({ productId });
  return productId;
}

let user = 1_000;
const nextUser = () => `${++user}`;
const buy = (productId: string, userId: string, part: { ticket?: string } = {}) =>
  ask('POST', `/v1/sales/${productId}/buy`, { userId, ...part });
const takeTicket = (productId: string, userId: string) =>
  ask('POST', `/v1/sales/${productId}/tickets`, { userId });

function expectProblem(answer: HttpAnswer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
}

describe('a purchase that waits', () => {
  test('a waiting purchase shows its place, and the answer to the buy says where to ask', async () => {
    const productId = await openSale();
    const bought = [await buy(productId, nextUser()), await buy(productId, nextUser())];
    const places = [];
    for (const { status, body, headers } of bought) {
      expect(status).toBe(202);
      expect(headers.get('location')).toBe(body.purchase);
      const asked = await ask('GET', body.purchase);
      expect(asked).toMatchObject({
        status: 200,
        body: { streamId: body.streamId, productId, state: 'WAITING' },
      });
      places.push(asked.body.place);
    }
    expect(places).toEqual([0, 1]);
  });

  test('a long poll with the known state is answered when its time is up', async () => {
    const productId = await openSale();
    const { purchase } = (await buy(productId, nextUser())).body;
    const began = performance.now();
    const asked = await ask('GET', `${purchase}?after=WAITING&wait=1`);
    expect(asked.body.state).toBe('WAITING');
    expect(performance.now() - began).toBeGreaterThan(950);
  });

  test('an unknown purchase, one of another product, or a wrong query is refused', async () => {
    const productId = await openSale();
    const { streamId } = (await buy(productId, nextUser())).body;
    const getPurchase = (path: string) => ask('GET', `/v1/sales/${path}`);
    expectProblem(await getPurchase(`${productId}/purchases/1-1`), 404, 'PURCHASE_NOT_FOUND');
    expectProblem(await getPurchase(`${productId}/purchases/nonsense`), 404, 'PURCHASE_NOT_FOUND');
    expectProblem(await getPurchase(`${await openSale()}/purchases/${streamId}`), 404, 'PURCHASE_NOT_FOUND');
    expectProblem(await getPurchase(`${productId}/purchases/${streamId}?after=DONE`), 400, 'REQUEST_INVALID');
    expectProblem(await getPurchase(`${productId}/purchases/${streamId}?wait=600`), 400, 'REQUEST_INVALID');
  });
});

describe('a plain buy', () => {
  const send = (productId: string, userId: string, type: string) =>
    sendRaw(
      weir.url,
      'POST',
      `/v1/sales/${productId}/buy`,
      { 'content-type': type, authorization: `Bearer ${key}` },
      Buffer.from(`{"userId":"${userId}"}`),
    ).then(({ headers: { date: _, ...headers }, ...answer }) => ({ ...answer, headers }));

  test('a buy gets the same answer in front of the framework and from its route', async () => {
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    const statuses: number[] = [];
    for (const terms of [{ stock: 1 }, { startsAt: inAnHour }, { stock: 100 }]) {
      const productId = await openSale(terms);
      const buyer = nextUser();
      // A repeat by the same user is 200 while the sale is open.
      const users = 'stock' in terms && terms.stock > 1 ? [buyer, buyer] : [nextUser(), nextUser()];
      await send(productId, buyer, 'application/json');
      const early = await send(productId, users[0] as string, 'application/json');
      expect(early).toEqual(await send(productId, users[1] as string, 'application/json; charset=utf-8'));
      statuses.push(early.status);
    }
    expect(statuses).toEqual([409, 409, 200]);
  });
});

describe('who asks too often', () => {
  test('a user with too many requests gets 429 with Retry-After, then the answer', async () => {
    const productId = await openSale();
    const userId = nextUser();
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => buy(productId, userId)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 202, 429]);
    const limited = answers.find(({ status }) => status === 429) as HttpAnswer;
    expectProblem(limited, 429, 'RATE_LIMITED');
    expect(limited.headers.get('retry-after')).toBe('1');
    expect((await buy(productId, nextUser())).status).toBe(202);
    await pollUntil('a token to come back', 3_000, async () =>
      expect((await buy(productId, userId)).status).toBe(200),
    );
  });

  test('one address as many users is limited as one, behind a trusted proxy too', async () => {
    const productId = await openSale({ stock: 100, admitPerSecond: 1_000_000 });
    const buyers = await Promise.all(
      Array.from({ length: 7 }, async () => {
        const userId = nextUser();
        return { userId, ticket: (await takeTicket(productId, userId)).body.ticket };
      }),
    );
    await pollUntil('every ticket to admit', 5_000, async () => {
      const standings = await Promise.all(
        buyers.map(({ ticket }) => ask('GET', `/v1/sales/${productId}/tickets/${ticket}`)),
      );
      expect(standings.map(({ body }) => body.state)).toEqual(Array(7).fill('ADMITTED'));
    });
    // Buyers have no key: only the shop is not limited by its address.
    const buyFrom = (from: string, buyer: object | undefined) =>
      weir.request('POST', `/v1/sales/${productId}/buy`, buyer, { 'x-forwarded-for': from });
    const answers = await Promise.all(buyers.slice(0, 6).map((buyer) => buyFrom('198.51.100.7', buyer)));
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 202, 202, 202, 202, 429]);
    expect((await buyFrom('198.51.100.8', buyers[6])).status).toBe(202);
    const local = await Promise.all(Array.from({ length: 20 }, () => buy(productId, nextUser())));
    // The shop buys without a ticket, and each of its users waits separately.
    expect(local.filter(({ status }) => status === 429)).toEqual([]);
  });
});

describe('limits by address', () => {
  const buyBadly = (productId: string, from: string) =>
    weir.request(
      'POST',
      `/v1/sales/${productId}/buy`,
      { userId: nextUser(), ticket: 'x' },
      { 'x-forwarded-for': from },
    );

  test('the addresses of an IPv6 /64 share the tokens of one', async () => {
    const productId = await openSale({ stock: 100 });
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, i) => buyBadly(productId, `2001:db8:7:7::${i + 1}`)),
    );
    expect(answers.filter(({ status }) => status === 403).length).toBeLessThanOrEqual(7);
    expect((await buyBadly(productId, '2001:db8:7:8::1')).status).toBe(403);
  });

  test('requests for tickets and purchases are limited separately from buying', async () => {
    const productId = await openSale({ stock: 100 });
    const from = '198.51.100.77';
    const getPurchase = (path: string) =>
      weir.request('GET', `/v1/sales/${path}`, undefined, { 'x-forwarded-for': from });
    const paths = [`${productId}/tickets/1.2.3`, '999/tickets/1.999.1.1.1.0.AAAAAAAAAAAAAAAAAAAAAA'];
    const looks = await Promise.all(Array.from({ length: 10 }, (_, i) => getPurchase(paths[i % 2] ?? '')));
    const purchases = await Promise.all(
      Array.from({ length: 3 }, () => getPurchase(`${productId}/purchases/1-1?ticket=x`)),
    );
    expect(new Set(looks.map(({ status }) => status))).toEqual(new Set([403, 429]));
    expect(purchases.some(({ status }) => status === 429)).toBe(true);
    expect((await buyBadly(productId, from)).status).toBe(403);
  });
});

describe('a sale with tickets', () => {
  test('a sale with tickets admits early visitors, and no forged or borrowed ticket', async () => {
    const startsAt = new Date(Date.now() + 1_500).toISOString();
    const productId = await openSale({ entry: 'ticket', startsAt, admitPerSecond: 1_000 });
    const [honest, other] = [nextUser(), nextUser()];
    const given = await takeTicket(productId, honest);
    expect(given).toMatchObject({ status: 201, body: { productId, userId: honest, unit: 1 } });
    expect(await takeTicket(productId, honest)).toMatchObject({ status: 200, body: given.body });
    const { ticket } = given.body;
    const standing = await ask('GET', `/v1/sales/${productId}/tickets/${ticket}`);
    expect(standing.body).toMatchObject({ userId: honest, state: 'WAITING', place: 0 });
    expectProblem(await buy(productId, honest, { ticket }), 409, 'NOT_STARTED');
    await pollUntil('the ticket to admit', 5_000, async () => {
      const now = await ask('GET', `/v1/sales/${productId}/tickets/${ticket}`);
      expect(now.body).toMatchObject({ state: 'ADMITTED', estimateMs: 0 });
    });
    // Refusals from memory may be a quarter of a second old.
    await pollUntil('the start to be known', 2_000, async () =>
      expectProblem(await buy(productId, other), 403, 'TICKET_REQUIRED'),
    );
    expectProblem(await buy(productId, other, { ticket }), 403, 'TICKET_INVALID');
    expectProblem(
      await buy(productId, honest, { ticket: `${ticket.slice(0, -5)}AAAAA` }),
      403,
      'TICKET_INVALID',
    );
    expectProblem(await takeTicket(productId, other), 409, 'TICKETS_CLOSED');
    expect((await ask('GET', `/v1/sales/${productId}`)).body).toMatchObject({ sold: 0, tickets: 1 });
    const bought = await buy(productId, honest, { ticket });
    expect(bought.status).toBe(202);
    await pollUntil('the reused ticket to give the same purchase', 5_000, async () =>
      expect(await buy(productId, honest, { ticket })).toMatchObject({ status: 200, body: bought.body }),
    );
    expect((await ask('GET', `/v1/sales/${productId}`)).body).toMatchObject({ sold: 1, tickets: 1 });
  });

  test('a sale is refused without a start, and tickets where none are needed', async () => {
    const productId = await openSale();
    expectProblem(await takeTicket(productId, '11'), 409, 'TICKETS_UNUSED');
    expectProblem(await takeTicket('5', '11'), 404, 'SALE_NOT_FOUND');
    expectProblem(await ask('GET', `/v1/sales/${productId}/tickets/1.2.3`), 403, 'TICKET_INVALID');
    await ask('PATCH', `/v1/sales/${productId}`, { action: 'end' });
    const refused = await ask('POST', '/v1/sales', { productId, stock: 1, entry: 'ticket' });
    expectProblem(refused, 422, 'SALE_WINDOW_INVALID');
    const rate = await ask('POST', '/v1/sales', { productId, stock: 1, admitPerSecond: 0 });
    expectProblem(rate, 400, 'REQUEST_INVALID');
  });
});
