import { once } from 'node:events';
import { beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { runHere } from '../support/run-here.ts';
import { spawnWeir } from '../support/weir.ts';
import { deadPort, serve } from './cli-support.ts';
import { expectOneSentence } from './one-sentence.ts';
import { shareWeir } from './share-weir.ts';

describe('with a running Weir', () => {
  const guard = {
    WEIR_SERVER_HTTP_OPERATORKEYS: 'operator-key-of-monday',
    WEIR_SERVER_HTTP_WEBHOOKSECRETS: `whsec_${Buffer.from('the secret of the payer').toString('base64')}`,
  };
  const weir = shareWeir(guard);
  const run = (...args: string[]) => runHere([...args, '--url', weir.url], guard);
  const request = (method: string, path: string, body?: unknown) =>
    weir.request(method, path, body, { authorization: `Bearer ${guard.WEIR_SERVER_HTTP_OPERATORKEYS}` });
  const runJson = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout);
  };
  let instanceIds: string[];

  beforeAll(async () => {
    await weir.database.query(
      "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu')",
    );
    instanceIds = [];
    for (const [i, source] of ['GIFT', 'GIFT', 'PRIZE'].entries()) {
      const purchase = { source, sourceId: `CLI${i}`, productId: '1001', userId: `${41 + i}` };
      instanceIds.push((await request('POST', '/v1/instances', purchase)).body.instanceId);
    }
    await weir.database.query("UPDATE instance_logs SET status = 'SUCCESS' WHERE instance_id = $1", [
      instanceIds[0],
    ]);
    await weir.redis.xadd('stream:seckill:1001', '*', 'uid', 'nobody');
    await pollUntil('the bad entry to be parked', 15_000, async () =>
      expect(await weir.count('parked')).toBe(1),
    );
  });

  test('instances list shows what the filter lets through, as a table and as JSON', async () => {
    const newestFirst = [...instanceIds].reverse();
    const ids = async (...args: string[]) =>
      (await runJson('instances', 'list', ...args)).items.map(
        (item: { instanceId: string }) => item.instanceId,
      );
    expect(await ids()).toEqual(newestFirst);
    expect(await ids('--limit', '2')).toEqual(newestFirst.slice(0, 2));
    expect(await ids('--source', 'GIFT', '--user', '42')).toEqual([instanceIds[1]]);
    expect(await ids('--status', 'SUCCESS', '--product', '1001')).toEqual([instanceIds[0]]);
    expect(await ids('--source-id', 'CLI2')).toEqual([instanceIds[2]]);

    const table = await run('instances', 'list');
    expect(table).toMatchObject({ code: 0, stderr: '' });
    const lines = table.stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^INSTANCE\s+STATUS\s+SOURCE/);
    expect(lines.slice(1).map((line) => line.split(/\s+/)[0])).toEqual(newestFirst);
    expect((await run('instances', 'list', '--source', 'NOBODY')).stdout).toBe('no instances\n');
    expect((await run('instances', 'list', '--limit', 'many')).code).toBe(2);
  });

  test('instances show prints one instance, and ends with 4 for one that does not exist', async () => {
    const [id = ''] = instanceIds;
    // Its publication may be seen between the two.
    await pollUntil('both to be the same', 10_000, async () =>
      expect(await runJson('instances', 'show', id)).toEqual(
        (await request('GET', `/v1/instances/${id}`)).body,
      ),
    );
    const table = await run('instances', 'show', id);
    expect(table.code).toBe(0);
    for (const value of [id, 'SUCCESS', 'GIFT', 'CLI0', '1001', '41']) expect(table.stdout).toContain(value);
    for (const unknown of ['1', 'abc', '../products']) {
      const { code, stdout, stderr } = await run('instances', 'show', unknown);
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
      expectOneSentence(stderr);
    }
  });

  test('stats counts by source and draws the trend', async () => {
    const { sources, trend } = await runJson('stats');
    expect(sources).toEqual([
      { source: 'GIFT', total: '2', success: '1', failed: '0', processing: '1', successRate: '50.00' },
      { source: 'PRIZE', total: '1', success: '0', failed: '0', processing: '1', successRate: '0.00' },
    ]);
    const sum = trend.reduce((total: number, { count }: { count: string }) => total + Number(count), 0);
    expect(sum).toBe(3);
    const { code, stdout } = await run('stats', '--minutes', '5');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Instances by source from \S+ to \S+, UTC\nSOURCE/);
    expect(stdout).toMatch(/GIFT\s+2\s+1\s+0\s+1\s+50\.00 %/);
    expect(stdout).toMatch(/\d\d:\d\d █+ +\d/);
    expect((await run('stats', '--minutes', 'many')).code).not.toBe(0);
  });

  test('stats without a window counts since ever, with one only what is in it', async () => {
    const here = (...args: string[]) => run('stats', ...args);
    const since = await here('--source', 'PRIZE');
    expect(since.stdout).toMatch(/^Instances by source of all time\nSOURCE.*\nPRIZE +1 +0 +0 +1 +0\.00 %/);
    expect(since.stdout).not.toContain('GIFT');
    const before = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-02T00:00:00Z'];
    const { sources } = JSON.parse((await here(...before, '--json')).stdout);
    expect(sources).toEqual([]);
    const recent = JSON.parse((await here('--minutes', '60', '--source', 'GIFT', '--json')).stdout);
    expect(recent.sources).toEqual([
      { source: 'GIFT', total: '2', success: '1', failed: '0', processing: '1', successRate: '50.00' },
    ]);
  });

  test('parked list prints the parked items, their reasons, and what to do', async () => {
    const { items } = await runJson('parked', 'list');
    expect(items).toEqual([
      expect.objectContaining({ reason: 'USER_ID_INVALID', origin: 'STREAM', scope: 'stream:seckill:1001' }),
    ]);
    const { code, stdout } = await run('parked', 'list');
    expect(code).toBe(0);
    for (const told of [
      'USER_ID_INVALID',
      'stream:seckill:1001',
      items[0].sourceId,
      items[0].advice,
      items[0].docs,
    ]) {
      expect(stdout).toContain(told);
    }
  });

  test('a parked winner whose buyer was found is created by hand and discarded', async () => {
    const [item] = (await runJson('parked', 'list')).items;
    const purchase = [
      '--source',
      'SECKILL',
      '--source-id',
      item.sourceId,
      '--product',
      '1001',
      '--user',
      '77',
    ];
    const made = await runJson('instances', 'create', ...purchase);
    expect(made).toMatchObject({ source: 'SECKILL', sourceId: item.sourceId, userId: '77' });
    expect(await run('instances', 'create', ...purchase)).toMatchObject({
      code: 0,
      stdout: `Created instance ${made.instanceId}\n`,
    });
    expect((await run('parked', 'discard', item.id, '--because', 'made by hand')).code).toBe(0);
    expect((await run('parked', 'list')).stdout).toBe('nothing is parked\n');
  });

  test('products are created, listed, and switched off and on', async () => {
    const machine = [
      '--name',
      'GPU Large',
      '--cpus',
      '16',
      '--memory',
      '65536',
      '--gpu',
      '4',
      '--image',
      'ubuntu',
    ];
    const created = await runJson('products', 'create', '1004', ...machine, '--price', '79900');
    expect(created).toMatchObject({ id: '1004', memoryMb: 65_536, priceCents: '79900', enabled: true });
    expect(await runJson('products', 'disable', '1004')).toEqual({ ...created, enabled: false });
    const list = await run('products', 'list');
    expect(list.stdout).toMatch(/MEMORY MB +GPU +IMAGE +PRICE CENTS$/m);
    expect(list.stdout).toMatch(/^1001 +enabled +GPU Small.*\n1004 +disabled +GPU Large/m);
    expect((await run('products', 'enable', '1004')).stdout).toMatch(/^1004 +enabled/m);
    const unknown = await run('products', 'disable', '4999');
    expect(unknown.code).toBe(4);
    expect(unknown.stderr).not.toMatch(/replay|discard/);
    expect((await run('products', 'list', '--limit', '1')).stdout).toContain('There are more');
  });

  test('callbacks that did not come are made up for, signed where they must be', async () => {
    const call = (what: string, orderId: string, env: Record<string, string>) =>
      runHere(['orders', what, orderId, '--url', weir.url], env);
    const { WEIR_SERVER_HTTP_WEBHOOKSECRETS: _, ...withoutSecret } = guard;
    const order = async () => {
      const { body } = await request('POST', '/v1/orders', { productId: '1001', userId: '9' });
      return body.id as string;
    };
    const id = await order();
    const unsigned = await call('paid', id, withoutSecret);
    expect(unsigned.code).toBe(1);
    expect(unsigned.stderr).toContain('server.http.webhookSecrets: -conf FILE');
    for (let times = 0; times < 2; times++) {
      expect(await call('paid', id, guard)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^Reported order ORD\d+ as paid: its instance is \d+\n$/),
      });
    }
    const cancelled = await order();
    await request('POST', `/v1/orders/${cancelled}/cancel`);
    expect(await call('paid', cancelled, guard)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('refund'),
    });
    expect((await call('refunded', cancelled, guard)).stdout).toBe(
      `Recorded the refund of order ${cancelled}\n`,
    );
    const elsewhere = ['orders', 'paid', 'ELSEWHERE1', '--product', '1001', '--user', '9'];
    expect(await runJson(...elsewhere)).toMatchObject({ source: 'ORDER', sourceId: 'ELSEWHERE1' });
    expect((await run('orders', 'refunded', 'NOBODY')).code).toBe(4);
  });

  test('sales are listed page by page, and their units restocked once more', async () => {
    for (const id of ['1001', '1004']) expect((await run('sale', 'open', id, '--stock', '3')).code).toBe(0);
    expect((await run('sale', 'list', '--limit', '1')).stdout).toContain('There are more');
    const all = await run('sale', 'list', '--all', '--ndjson');
    const ids = all.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).productId);
    expect(ids).toEqual(['1001', '1004']);
    expect((await run('sale', 'restock', '1001')).stdout).toBe('Requested the restock of 0 units again\n');
    expect((await run('sale', 'restock', '4999')).code).toBe(4);
  });

  test('a command asks with the configured operator key, and is refused without one', async () => {
    const args = ['instances', 'list', '--limit', '1', '--url', weir.url];
    expect((await runHere(args, guard)).code).toBe(0);
    const { code, stdout, stderr } = await runHere(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expectOneSentence(stderr);
  });
});

test('a command that needs a running Weir exits with 3 and one sentence without it', async () => {
  const url = ['--url', `http://127.0.0.1:${deadPort}`];
  const commands = [
    ['instances', 'list'],
    ['instances', 'show', '1'],
    ['stats'],
    ['parked', 'list'],
    ['load'],
  ];
  for (const command of commands) {
    const { code, stdout, stderr } = await runHere([...command, ...url]);
    expect({ code, stdout }, command.join(' ')).toEqual({ code: 3, stdout: '' });
    expectOneSentence(stderr);
  }
});

test('a reader that closes its end stops a list silently, even an endless one', async () => {
  const url = await serve((_, response) => {
    response.end(JSON.stringify({ items: [{ instanceId: '1' }], nextCursor: '1' }));
  });
  const list = spawnWeir(['instances', 'list', '--all', '--ndjson', '--url', url], {});
  let said = '';
  list.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  list.stdout?.once('data', () => list.stdout?.destroy());
  const [code, signal] = await once(list, 'close');
  expect({ code, signal, said }).toEqual({ code: 0, signal: null, said: '' });
});

test.for([
  [400, 'SOURCE_INVALID', 2, 'weir: so it is. Do this. (weir sale list --help lists the valid ones)\n'],
  [400, 'REQUEST_INVALID', 2, 'weir: so it is (weir sale list --help lists the valid ones)\n'],
  [401, 'UNAUTHENTICATED', 1, 'weir: 401: so it is. Do this. Give it as WEIR_KEY.\n'],
  [404, 'INSTANCE_NOT_FOUND', 4, 'weir: so it is. Do this.\n'],
  [409, 'SALE_CONFLICT', 1, 'weir: 409: so it is. Do this.\n'],
  [500, 'INTERNAL', 1, 'weir: 500: so it is. Do this.\n'],
  [503, 'STORE_UNAVAILABLE', 3, 'weir: 503: so it is. Do this.\n'],
] as const)(
  'an answer of %i %s ends the command with %i, cause and remedy',
  async ([status, code, ended, stderr]) => {
    const url = await serve((_, response) => {
      response
        .writeHead(status)
        .end(JSON.stringify({ status, code, detail: 'so it is', advice: 'Do this.' }));
    });
    expect(await runHere(['sale', 'list', '--url', url])).toEqual({ code: ended, stdout: '', stderr });
  },
);

test('replaying what does not exist ends with 4, together with what does with 1', async () => {
  const unknown = { state: null, code: 'PARKED_NOT_FOUND', params: {}, detail: 'there is no such item' };
  const discarded = {
    id: '2',
    state: null,
    code: 'PARKED_RESOLVED',
    params: {},
    detail: 'item 2 was discarded by me: a test',
  };
  const replay = async (...items: object[]) => {
    const url = await serve((_, response) => {
      response.end(JSON.stringify({ items }));
    });
    return runHere(['parked', 'replay', '2', '99', '--url', url]);
  };
  expect((await replay({ id: '99', ...unknown })).code).toBe(4);
  const both = await replay(discarded, { id: '99', ...unknown });
  expect(both.code).toBe(1);
  expect(both.stdout).toMatch(/^2 +PARKED_RESOLVED +item 2 was discarded by me: a test/m);
  const settled = { code: 'RESULT_SETTLED', params: { status: 'SUCCESS', outcome: 'applied' } };
  const replayed = await replay({ id: '2', state: 'REPLAYED', ...settled });
  expect(replayed.code).toBe(0);
  expect(replayed.stdout).toMatch(/^2 +REPLAYED +SUCCESS: applied/m);
});

describe('a key that is revoked through the API', () => {
  const common = { createdAt: 'then', lastUsedAt: null, expiresAt: null, revokedAt: null, createdBy: 'me' };
  const root = { ...common, id: '1', name: 'root', scope: 'admin' };
  const other = { ...common, id: '2', name: 'other', scope: 'admin' };
  const page = { ...common, id: '3', name: 'page', scope: 'read' };
  const old = { ...other, expiresAt: '2020-01-01T00:00:00Z' };

  test.for([
    ['without further notice while another key has its scope', [other, page], /^$/],
    [
      'with a warning when it was the last of its scope',
      [page],
      /^weir: no key .* scope act or admin any more: .*--scope admin/,
    ],
    [
      'with a warning when the others have expired',
      [old],
      /^weir: no key .* scope read or act or admin any more/,
    ],
    ['with a warning when it was the last', [], /^weir: that was the last key in the database: .* open now/],
  ] as const)('the own key is revoked %s', async ([, others, stderr]) => {
    let isRevoked = false;
    const url = await serve(({ method }, response) => {
      if (isRevoked) response.writeHead(401).end('{"code":"UNAUTHENTICATED","detail":"revoked"}');
      else response.end(JSON.stringify(method === 'DELETE' ? root : { items: [root, ...others] }));
      isRevoked ||= method === 'DELETE';
    });
    const revoked = await runHere(['keys', 'revoke', 'root', '--url', url]);
    expect(revoked).toMatchObject({ code: 0, stdout: `Revoked key 1 (root) in the Weir at ${url}\n` });
    expect(revoked.stderr).toMatch(stderr);
  });
});
