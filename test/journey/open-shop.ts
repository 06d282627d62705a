import { expect } from 'vitest';
import type { HttpAnswer } from '../support/weir.ts';
import { shareWeir } from './share-weir.ts';

export const largest = '9223372036854775807';
export const aboveLargest = '9223372036854775808';

/** A Weir for the tests of one file, and what they create in it. */
export function openShop() {
  const weir = shareWeir();
  let count = 0;
  /** A product, source id or user of the test. */
  const nextNumber = () => ++count;

  function productBody(change: Record<string, unknown> = {}) {
    return {
      id: `${5000 + nextNumber()}`,
      name: 'GPU Small',
      cpus: 4,
      memoryMb: 16384,
      gpu: 1,
      image: 'ubuntu-22.04-cuda',
      priceCents: '19900',
      enabled: true,
      ...change,
    };
  }

  async function createProduct(change: Record<string, unknown> = {}): Promise<string> {
    const { status, body } = await weir.request('POST', '/v1/products', productBody(change));
    expect(status).toBe(201);
    return body.id;
  }

  async function createOrder(productId: string, userId = `${nextNumber()}`): Promise<string> {
    const { status, body } = await weir.request('POST', '/v1/orders', { productId, userId });
    expect(status).toBe(201);
    return body.id;
  }

  function purchaseBody(productId: string, change: Record<string, unknown> = {}) {
    const number = nextNumber();
    return { source: 'ACTIVITY', sourceId: `ACT${number}`, productId, userId: `${number}`, ...change };
  }

  const buy = (body: object) => weir.request('POST', '/v1/instances', body);
  const pay = (orderId: string, body?: object) => weir.request('POST', `/v1/orders/${orderId}/paid`, body);

  function expectProblem(answer: HttpAnswer, status: number, code: string): void {
    expect(answer.body).toMatchObject({ status, code });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  }

  async function listAll(path: string, limit: number, name: string): Promise<string[]> {
    const seen: string[] = [];
    const separator = path.includes('?') ? '&' : '?';
    let cursor: string | null = null;
    do {
      const { status, body }: HttpAnswer = await weir.request(
        'GET',
        `${path}${separator}limit=${limit}${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      expect(status).toBe(200);
      expect(body.items.length).toBeLessThanOrEqual(limit);
      seen.push(...body.items.map((item: Record<string, string>) => item[name]));
      cursor = body.nextCursor;
    } while (cursor !== null);
    return seen;
  }

  async function countInstances(sourceId: string): Promise<number> {
    const { rows } = await weir.database.query(
      'SELECT count(*)::int AS count FROM instance_logs WHERE source_id = $1',
      [sourceId],
    );
    return rows[0].count;
  }

  async function countOrders(...productIds: string[]): Promise<number> {
    const { rows } = await weir.database.query(
      'SELECT count(*)::int AS count FROM orders WHERE product_id = ANY ($1)',
      [productIds],
    );
    return rows[0].count;
  }

  return {
    weir,
    nextNumber,
    productBody,
    createProduct,
    createOrder,
    purchaseBody,
    buy,
    pay,
    expectProblem,
    listAll,
    countInstances,
    countOrders,
  };
}
