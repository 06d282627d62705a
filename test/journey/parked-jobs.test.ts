import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { pollUntil } from '../support/poll-until.ts';
import { runHere } from '../support/run-here.ts';
import { openShop } from './open-shop.ts';

const { weir, nextNumber, createProduct, expectProblem, listAll } = openShop();
const run = (...args: string[]) => runHere([...args, '--url', weir.url]);
const post = (body: unknown) => weir.request('POST', '/v1/parked/jobs', body);
const get = async (id: string) => (await weir.request('GET', `/v1/parked/jobs/${id}`)).body;

/** `bad`: how many of them have no readable buyer. @returns the stream, which no other test has */
async function parkEntries(productId: string, count: number, bad = 0): Promise<string> {
  const stream = `stream:seckill:${productId}`;
  await weir.database.query(
    `INSERT INTO parked (origin, reason, detail, params, source, scope, source_id, original)
     SELECT 'STREAM', 'PRODUCT_NOT_FOUND', 'a test', '{}', 'SECKILL', $1, n || '-0',
       convert_to(CASE WHEN n <= $3 THEN '["uid","nobody"]' ELSE '["uid","' || n || '"]' END, 'UTF8')
     FROM generate_series(1, $2::int) AS n`,
    [stream, count, bad],
  );
  return stream;
}

const waitForEnd = (id: string) =>
  pollUntil(`job ${id} to end`, 60_000, async () => {
    const job = await get(id);
    if (job.state === 'RUNNING') throw new Error(JSON.stringify(job));
    return job;
  });

/** Holds its job, so that no step is made until it is released. */
async function hold(id: string): Promise<() => Promise<void>> {
  const free = async () => {
    await weir.database.query("UPDATE parked_jobs SET leased_until = '-infinity' WHERE id = $1", [id]);
  };
  await weir.database.query(
    "UPDATE parked_jobs SET leased_until = 'infinity', epoch = epoch + 1 WHERE id = $1",
    [id],
  );
  onTestFinished(free);
  return free;
}

describe('jobs over parked items', () => {
  test('a job answers 202 with its id, and ends with every item and its results', async () => {
    const productId = await createProduct();
    const scope = await parkEntries(productId, 1_200, 3);
    const started = await post({
      action: 'replay',
      filter: { scope, state: 'PARKED' },
      note: 'it is there now',
    });
    expect(started).toMatchObject({
      status: 202,
      body: {
        ...{ action: 'replay', filter: { scope }, note: 'it is there now', createdBy: 'operator' },
        ...{ state: 'RUNNING', matched: 1_200, endedAt: null, endedBy: null },
      },
    });
    const { id } = started.body;
    expect(started.headers.get('location')).toBe(`/v1/parked/jobs/${id}`);
    expect(await waitForEnd(id)).toMatchObject({
      ...{ state: 'DONE', matched: 1_200, done: 1_197, failed: 3, skipped: 0, remaining: 0 },
      endedAt: expect.any(String),
    });
    const results = (await weir.request('GET', `/v1/parked/jobs/${id}/results`)).body;
    expect(results.items).toHaveLength(3);
    expect(results.items[0]).toMatchObject({
      code: 'USER_ID_INVALID',
      detail: expect.stringContaining('nobody'),
    });
    expect(await listAll(`/v1/parked/jobs/${id}/results`, 2, 'id')).toEqual(
      results.items.map((item: { id: string }) => item.id),
    );
    const [item] = (await weir.request('GET', `/v1/parked?scope=${scope}&state=REPLAYED&limit=1`)).body.items;
    expect(item).toMatchObject({ jobId: id, resolvedBy: 'operator', instanceId: expect.any(String) });
    const { rows } = await weir.database.query(
      'SELECT count(*)::int AS count, count(DISTINCT source_id)::int AS apart FROM instance_logs WHERE scope = $1',
      [scope],
    );
    expect(rows).toEqual([{ count: 1_197, apart: 1_197 }]);
  });

  test('a filter that matches nothing ends at once as done with 0', async () => {
    const { status, body } = await post({
      action: 'discard',
      filter: { reason: 'QUEUE_FULL' },
      note: 'a test',
    });
    expect(status).toBe(202);
    expect(body).toMatchObject({ state: 'DONE', matched: 0, done: 0, failed: 0, skipped: 0, remaining: 0 });
  });

  test('an aborted job leaves the rest parked, and a repeat answers the same', async () => {
    // So many that the job is not done before it is held.
    const many = 5_000;
    const scope = await parkEntries(await createProduct(), many);
    const { body: job } = await post({ action: 'discard', filter: { scope }, note: 'a test' });
    await hold(job.id);
    const aborted = await weir.request('POST', `/v1/parked/jobs/${job.id}/abort`);
    expect(aborted).toMatchObject({ status: 200, body: { state: 'ABORTED', endedBy: 'operator' } });
    const { done, remaining } = aborted.body;
    expect(done + remaining).toBe(many);
    expect(await weir.request('POST', `/v1/parked/jobs/${job.id}/abort`)).toMatchObject({
      status: 200,
      body: aborted.body,
    });
    const parked = (await weir.request('GET', `/v1/parked/groups?scope=${scope}`)).body.items;
    expect(parked.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(remaining);
  });

  test('a job that is done cannot be aborted, and one that is not there is unknown', async () => {
    const { body } = await post({ action: 'replay', filter: { reason: 'QUEUE_FULL' } });
    expectProblem(await weir.request('POST', `/v1/parked/jobs/${body.id}/abort`), 409, 'PARKED_JOB_ENDED');
    for (const id of ['999999', 'abc', '0']) {
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/results'],
        ['POST', '/abort'],
      ] as const) {
        const answer = await weir.request(method, `/v1/parked/jobs/${id}${path}`);
        expectProblem(answer, 404, 'PARKED_JOB_NOT_FOUND');
      }
    }
  });

  test.for([
    {},
    { action: 'replay' },
    { action: 'remove', filter: {} },
    { action: 'discard', filter: {} },
    { action: 'discard', filter: {}, note: ' ' },
    { action: 'replay', filter: { state: 'ALL' } },
    { action: 'replay', filter: { color: 'red' } },
    { action: 'replay', filter: { origin: 'MOON' } },
    { action: 'replay', filter: { reason: 'odd' } },
    { action: 'replay', filter: {}, ids: ['1'] },
  ])('a malformed job (case %#) is rejected with 400, and nothing is started', async (body) => {
    const before = await weir.count('parked_jobs');
    expectProblem(await post(body), 400, 'REQUEST_INVALID');
    expect(await weir.count('parked_jobs')).toBe(before);
  });

  test('jobs are listed newest first, narrowed by their state', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      ids.unshift((await post({ action: 'replay', filter: { source: `NONE${nextNumber()}` } })).body.id);
    }
    expect((await listAll('/v1/parked/jobs?state=DONE', 2, 'id')).slice(0, 3)).toEqual(ids);
    expectProblem(await weir.request('GET', '/v1/parked/jobs?state=LOST'), 400, 'REQUEST_INVALID');
  });
});

describe('weir parked … --all', () => {
  let scope: string;
  beforeAll(async () => {
    scope = await parkEntries('77001', 30, 25);
  });

  test('replay --all runs a job and shows what failed, then replays the rest', async () => {
    const early = await run('parked', 'replay', '--all', '--scope', scope);
    expect(early.code).toBe(1);
    expect(early.stdout).toMatch(/^Replayed 0 of 30 items, 30 failed \(job \d+\)\nID +REASON +DETAIL\n/);
    expect(early.stdout).toMatch(/There are more: weir parked jobs results \d+ --all\n$/);
    const product = { id: '77001', name: 'GPU', cpus: 4, memoryMb: 1024, image: 'ubuntu' };
    await weir.request('POST', '/v1/products', product);
    const filter = ['--scope', scope, '--reason', 'product_not_found'];
    const replayed = await run('parked', 'replay', '--all', ...filter, '--because', 'created it', '--json');
    expect(replayed.code).toBe(0);
    expect(JSON.parse(replayed.stdout)).toMatchObject({
      state: 'DONE',
      done: 5,
      failed: 0,
      note: 'created it',
    });
    expect(await run('parked', 'replay', '--all', ...filter)).toEqual({
      code: 0,
      stdout: 'nothing to replay\n',
      stderr: '',
    });
  });

  test('discard --all gives up what is left, and jobs show what was done', async () => {
    const discarded = await run(
      'parked',
      'discard',
      '--all',
      '--scope',
      scope,
      '--because',
      'a test of ours',
    );
    expect(discarded).toMatchObject({ code: 0, stderr: '' });
    const [, id = ''] = /^Discarded 25 of 25 items \(job (\d+)\)\n$/.exec(discarded.stdout) ?? [];
    const shown = (await run('parked', 'jobs', 'show', id)).stdout;
    for (const line of [/^action +discard$/m, /^filter +scope=stream:seckill:77001$/m, /^done +25$/m]) {
      expect(shown).toMatch(line);
    }
    expect(JSON.parse((await run('parked', 'jobs', 'show', id, '--json')).stdout)).toEqual(await get(id));
    const list = (await run('parked', 'jobs', 'list', '--state', 'done')).stdout;
    expect(list).toMatch(/^JOB +ACTION +STATE +DONE +FAILED +MATCHED +STARTED +BY +FILTER +NOTE\n/);
    expect(list).toMatch(new RegExp(`^${id} +discard +DONE +25 +0 +25 .* a test of ours$`, 'm'));
    expect((await run('parked', 'jobs', 'results', id)).stdout).toBe('no item failed\n');
    expect((await run('parked', 'jobs', 'show', '999999')).code).toBe(4);
  });

  test('results are exported, a detached job is aborted, and then it ended for good', async () => {
    const { items } = (await weir.request('GET', '/v1/parked/jobs?state=DONE&limit=500')).body;
    const early = items.find(({ failed }: { failed: number }) => failed === 30);
    const csv = (await run('parked', 'jobs', 'results', early.id, '--format', 'csv')).stdout;
    expect(csv.split('\r\n')).toHaveLength(32);
    expect(csv).toMatch(/^id,code,params,detail\r\n\d+,PRODUCT_NOT_FOUND,|USER_ID_INVALID/);
    const other = await parkEntries('77002', 5);
    const detached = await run('parked', 'replay', '--all', '--scope', other, '--detach', '--json');
    const { id } = JSON.parse(detached.stdout);
    await waitForEnd(id);
    expect((await run('parked', 'jobs', 'abort', id)).code).toBe(1);
    await weir.database.query(
      "UPDATE parked_jobs SET state = 'RUNNING', ended_at = NULL, leased_until = 'infinity' WHERE id = $1",
      [id],
    );
    expect(await run('parked', 'jobs', 'abort', id)).toMatchObject({
      code: 0,
      stdout: `Aborted job ${id}: 0 items are done, 5 failed\n`,
    });
  });
});
