import { beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../support/run-here.ts';
import { shareWeir } from './share-weir.ts';

const weir = shareWeir({ WEIR_RESOURCE_SIMULATE: 'false', WEIR_SERVER_HTTP_REQUESTSPERMINUTE: '0' });
const rows = 1_500;

beforeAll(async () => {
  await weir.database.query(
    `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, status)
     SELECT CASE WHEN n <= 20 THEN 1002 ELSE 1001 END, CASE WHEN n <= 1100 THEN 7 ELSE 8 END, 1000 + n,
       CASE WHEN n <= 10 THEN 'RARE' ELSE 'BULK' END, 'B' || n, CASE WHEN n <= 4 THEN 'FAILED' ELSE 'SUCCESS' END
     FROM generate_series(1, $1::int) AS n`,
    [rows],
  );
  await weir.database.query(
    `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
     SELECT 'STREAM', CASE WHEN n <= 3 THEN 'USER_ID_INVALID' ELSE 'PRODUCT_NOT_FOUND' END, 'x', 'SECKILL', 'stream:seckill:1',
       n || '-0', '' FROM generate_series(1, 1000) AS n`,
  );
});

const read = async (path: string) => {
  const { status, body } = await weir.request('GET', path);
  expect(status, path).toBe(200);
  return body;
};

describe('the total of a list', () => {
  test.each([
    // Counted by the audit, whatever the number.
    ['/v1/instances?', { count: rows, isExact: true }],
    ['/v1/instances?source=BULK&', { count: rows - 10, isExact: true }],
    ['/v1/instances?status=FAILED&', { count: 4, isExact: true }],
    ['/v1/instances?source=RARE&status=SUCCESS&', { count: 6, isExact: true }],
    ['/v1/instances?source=NONE&', { count: 0, isExact: true }],
    // Read up to a thousand.
    ['/v1/instances?userId=8&', { count: 400, isExact: true }],
    ['/v1/instances?userId=7&', { count: 1_000, isExact: false }],
    ['/v1/parked?', { count: 1_000, isExact: true }],
    ['/v1/parked?reason=USER_ID_INVALID&', { count: 3, isExact: true }],
    ['/v1/orders?', { count: 0, isExact: true }],
    ['/v1/refunds?', { count: 0, isExact: true }],
    ['/v1/activity?', { count: 0, isExact: true }],
  ])('a list is counted when asked: %s', async (path, total) => {
    expect((await read(`${path}total=true&limit=2`)).total).toEqual(total);
    expect(await read(`${path}limit=2`)).not.toHaveProperty('total');
    expect(await read(`${path}total=false`)).not.toHaveProperty('total');
  });

  test('the total stays the same from page to page', async () => {
    const path = '/v1/instances?userId=8&limit=300&total=true';
    const first = await read(path);
    const last = await read(`${path}&cursor=${first.nextCursor}`);
    expect(last.nextCursor).toBeNull();
    expect([first.total, last.total]).toEqual(Array(2).fill({ count: 400, isExact: true }));
  });

  test('the instances of a product are counted only where they fit on one page', async () => {
    expect(await read('/v1/instances?productId=1001&total=true')).not.toHaveProperty('total');
    expect(await read('/v1/instances?productId=1002&total=true')).toMatchObject({
      total: { count: 20, isExact: true },
    });
    expect(await read('/v1/instances?productId=1001&userId=8&total=true')).toMatchObject({
      total: { count: 400, isExact: true },
    });
  });

  test('an export rejects a total, and a command prints it when there are more items', async () => {
    const { status, body } = await weir.request('GET', '/v1/orders?format=csv&total=true');
    expect({ status, detail: body.detail }).toEqual({
      status: 400,
      detail: 'limit, cursor and total must be left out with csv, which has every row',
    });
    const list = async (...args: string[]) =>
      (await runHere(['instances', 'list', ...args, '--url', weir.url])).stdout.trimEnd().split('\n').at(-1);
    expect(await list()).toMatch(/^There are more items, 1,500 in all: use --all/);
    expect(await list('--user', '7')).toMatch(/^There are more items, more than 1,000 in all: use/);
    expect(await list('--product', '1001')).toMatch(/^There are more items: use/);
    expect(await list('--user', '8', '--all')).not.toMatch(/There are/);
  });
});
