import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { runHere } from '../support/run-here.ts';
import { serve } from './cli-support.ts';
import { shareWeir } from './share-weir.ts';

const weir = shareWeir({ WEIR_SERVER_HTTP_REQUESTSPERMINUTE: '0', WEIR_RESOURCE_SIMULATE: 'false' });
const rows = 100_000;
const hostile = `=cmd|' /C calc'!A0,"x"`;
let orderId = '';

beforeAll(async () => {
  await weir.database.query(
    `INSERT INTO instance_logs (product_id, user_id, instance_id, source, source_id, status)
     SELECT 1001, n, 1000 + n, 'BULK', CASE n WHEN 1 THEN $2 ELSE 'B' || n END, 'SUCCESS'
     FROM generate_series(1, $1::int) AS n`,
    [rows, hostile],
  );
  await weir.database.query(
    `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
     SELECT 'STREAM', CASE n WHEN 1 THEN 'USER_ID_INVALID' ELSE 'PRODUCT_NOT_FOUND' END, CASE n WHEN 1 THEN $1 ELSE 'x' END,
       'SECKILL', 'stream:seckill:1', n || '-0', '' FROM generate_series(1, 1200) AS n`,
    [hostile],
  );
  const product = { id: '1001', name: 'GPU', cpus: 4, memoryMb: 16384, image: 'ubuntu' };
  expect((await weir.request('POST', '/v1/products', product)).status).toBe(201);
  orderId = (await weir.request('POST', '/v1/orders', { productId: '1001', userId: '7' })).body.id;
  await weir.request('POST', `/v1/orders/${orderId}/cancel`);
  await weir.request('POST', `/v1/orders/${orderId}/paid`);
});

const fetchText = async (path: string, accept = '*/*') => {
  const response = await fetch(weir.url + path, { headers: { accept } });
  expect(response.status, path).toBe(200);
  return response.text();
};
const linesOf = (text: string) => text.split(/\r?\n/).slice(0, -1);
const run = (...args: string[]) => runHere([...args, '--url', weir.url]);

/** The largest memory of the process since the last call, in bytes. */
function takePeak(): number {
  const status = readFileSync(`/proc/${weir.pid}/status`, 'utf8');
  writeFileSync(`/proc/${weir.pid}/clear_refs`, '5');
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) * 1024;
}

describe('an exported list', () => {
  test('each list is exported as CSV with its columns, by format and by Accept alike', async () => {
    const heads: Record<string, string> = {
      '/v1/instances?source=BULK&userId=2':
        'instanceId,productId,userId,source,sourceId,scope,status,reason,createdAt,updatedAt',
      '/v1/orders': 'id,productId,userId,status,amountCents,createdAt,updatedAt,paidAt,expiresAt,instanceId',
      '/v1/refunds':
        'id,orderId,isOrderKnown,paymentId,amountCents,productId,userId,instanceId,reason,requests,requestedAt',
      '/v1/parked?reason=USER_ID_INVALID':
        'id,origin,reason,detail,params,source,scope,sourceId,parkedAt,state,attempts,resolvedAt,resolvedBy,resolution,' +
        'resolutionParams,instanceId,jobId',
      '/v1/activity?action=ORDER_CANCELLED':
        'id,at,actor,keyId,via,action,subjectKind,subjectId,before,after,requestId',
    };
    for (const [path, head] of Object.entries(heads)) {
      const text = await fetchText(path, 'text/csv');
      expect(linesOf(text)).toEqual([head, expect.any(String)]);
      expect(await fetchText(`${path}${path.includes('?') ? '&' : '?'}format=csv`)).toBe(text);
    }
  });

  test('NDJSON has the items of the list, and CSV makes a hostile one harmless', async () => {
    for (const path of ['/v1/orders', '/v1/activity', '/v1/parked?reason=USER_ID_INVALID']) {
      const { items } = (await weir.request('GET', path)).body;
      expect(linesOf(await fetchText(path, 'application/x-ndjson')).map((line) => JSON.parse(line))).toEqual(
        items,
      );
    }
    const quoted = `"'=cmd|' /C calc'!A0,""x"""`;
    expect(await fetchText('/v1/instances?userId=1', 'text/csv')).toContain(`,BULK,${quoted},,`);
    expect(await fetchText('/v1/parked?reason=USER_ID_INVALID', 'text/csv')).toContain(
      `,USER_ID_INVALID,${quoted},{},`,
    );
    expect(await fetchText('/v1/activity?action=ORDER_CANCELLED', 'text/csv')).toContain(
      `,order,${orderId},"{""status"":""PENDING""}",`,
    );
  });

  test('100,000 rows are exported once each, newest first, in bounded memory', async () => {
    takePeak();
    const idle = takePeak();
    const seen = linesOf(await fetchText('/v1/instances?source=BULK', 'application/x-ndjson'));
    const growth = takePeak() - idle;
    const ids = seen.map((line) => Number(JSON.parse(line).instanceId));
    expect(ids).toHaveLength(rows);
    expect(ids.every((id, index) => index === 0 || id < (ids[index - 1] as number))).toBe(true);
    // The rows alone are 30 MB of text, and more as objects.
    expect(growth / 1024 / 1024).toBeLessThan(80);
  });

  test('a key that is revoked ends its export before the end of the rows', async () => {
    const admin = (await weir.request('POST', '/v1/keys', { name: 'root', scope: 'admin' })).body;
    const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
    onTestFinished(async () => {
      await weir.request('DELETE', `/v1/keys/${admin.id}`, undefined, bearer(admin.key));
      await weir.database.query('DELETE FROM operator_keys');
    });
    const reader = { name: 'reader', scope: 'read' };
    const { id, key } = (await weir.request('POST', '/v1/keys', reader, bearer(admin.key))).body;
    const asked = httpRequest(`${weir.url}/v1/instances?format=ndjson`, {
      agent: false,
      headers: bearer(key),
    });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    await weir.request('DELETE', `/v1/keys/${id}`, undefined, bearer(admin.key));
    await pollUntil('the key to open nothing', 10_000, async () =>
      expect((await weir.request('GET', '/v1/orders', undefined, bearer(key))).status).toBe(401),
    );
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await expect(once(response, 'end')).rejects.toThrow('aborted');
    expect(bytes).toBeGreaterThan(0);
    await pollUntil('the line in the log', 5_000, async () =>
      expect(weir.lines.some(({ event }) => event === 'export_broken_off')).toBe(true),
    );
  });

  test.for(['format=xml', 'format=csv&limit=5', 'format=ndjson&cursor=5', 'format='])(
    'the query %s is rejected with 400',
    async (query) => {
      for (const list of ['instances', 'orders', 'parked', 'activity']) {
        const { status, body } = await weir.request('GET', `/v1/${list}?${query}`);
        expect({ status, code: body.code }, list).toEqual({ status: 400, code: 'REQUEST_INVALID' });
      }
    },
  );
});

describe('weir … --format', () => {
  test('each list command prints the file of its filter', async () => {
    const commands: [string[], string][] = [
      [['instances', 'list', '--user', '2'], '/v1/instances?userId=2'],
      [['instances', 'search', 'B7'], '/v1/instances?q=B7'],
      [['orders', 'list', '--status', 'cancelled'], '/v1/orders?status=CANCELLED'],
      [['parked', 'list', '--reason', 'product_not_found'], '/v1/parked?reason=PRODUCT_NOT_FOUND'],
      [['activity', '--action', 'product_created'], '/v1/activity?action=PRODUCT_CREATED'],
    ];
    for (const [args, path] of commands) {
      for (const format of ['csv', 'ndjson']) {
        const stdout = await fetchText(`${path}&format=${format}`);
        expect(await run(...args, '--format', format)).toEqual({ code: 0, stdout, stderr: '' });
      }
    }
    expect(linesOf((await run('parked', 'list', '--format', 'csv')).stdout)).toHaveLength(1_201);
  });

  test('a format excludes pages, and an unknown one is refused', async () => {
    for (const more of [['--limit', '5'], ['--all'], ['--json'], ['--ndjson'], ['--format', 'xml']]) {
      expect((await run('orders', 'list', '--format', 'csv', ...more)).code, more.join(' ')).toBe(2);
    }
  });

  test('an export that breaks off ends with 1 and says that it is incomplete', async () => {
    const url = await serve((_, response) => {
      response.write('id\r\n17\r\n', () => response.destroy());
    });
    const { code, stdout, stderr } = await runHere(['parked', 'list', '--format', 'csv', '--url', url]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'id\r\n17\r\n' });
    expect(stderr).toBe('weir: the export broke off after 8 characters: it is incomplete\n');
  });
});
