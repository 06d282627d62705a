import type pg from 'pg';
import { expect, test } from 'vitest';
import { createLifeQueues, expectAuditHolds } from '../support/life.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createPostgresDatabase, createRedisDatabase } from '../support/stores.ts';
import { openTestPool } from '../support/test-pool.ts';
import { launchWeir, type RunningWeir, startWeir } from '../support/weir.ts';

const items = 700;
const scope = 'stream:seckill:1001';

async function setUp() {
  const databaseUrl = await createPostgresDatabase();
  const env = {
    WEIR_DATA_DATABASE_SOURCE: databaseUrl,
    WEIR_DATA_REDIS_ADDR: await createRedisDatabase(),
    ...createLifeQueues().env,
  };
  const database = openTestPool(databaseUrl, 1);
  await database.query(
    "INSERT INTO products (id, name, cpus, memory_mb, image) VALUES (1001, 'GPU Small', 4, 16384, 'ubuntu')",
  );
  await database.query(
    `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
     SELECT 'STREAM', 'PRODUCT_NOT_FOUND', 'a test', 'SECKILL', $1, n || '-0',
       convert_to(CASE WHEN n % 100 = 0 THEN '["uid","nobody"]' ELSE '["uid","' || n || '"]' END, 'UTF8')
     FROM generate_series(1, $2::int) AS n`,
    [scope, items],
  );
  return { env, database };
}

async function readChanges(database: pg.Pool, jobId: string) {
  const { rows } = await database.query(
    `SELECT (SELECT count(*)::int FROM instance_logs) AS instances,
       (SELECT count(DISTINCT source_id)::int FROM instance_logs) AS "instancesApart",
       (SELECT count(*)::int FROM parked WHERE state = 'REPLAYED' AND job_id = $1) AS replayed,
       (SELECT max(attempts) FROM parked) AS attempts`,
    [jobId],
  );
  const { rows: records } = await database.query(
    "SELECT after FROM activity WHERE action = 'PARKED_JOB_REPLAYED' AND subject_id = $1 ORDER BY id",
    [jobId],
  );
  const named = records.flatMap(({ after }) => after.items as string[]).flatMap(expand);
  return { ...rows[0], named: named.length, namedApart: new Set(named).size };
}

/** `17-19`: 17, 18 and 19. */
function expand(range: string): number[] {
  const [first = 0, last = first] = range.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

const waitForEnd = (weir: RunningWeir, id: string) =>
  pollUntil(`job ${id} to end`, 50_000, async () => {
    const { body } = await weir.request('GET', `/v1/parked/jobs/${id}`);
    if (body.state === 'RUNNING') throw new Error(JSON.stringify(body));
    return body;
  });

test.for([
  ['after-replay:350', 'after an instance, before its item is resolved'],
  ['before-job-step:1', 'after the items of a step, before they are counted'],
  ['after-activity:2', 'within the commit that counts a step'],
] as const)(
  'a job killed at %s goes on elsewhere, each item exactly once',
  { timeout: 120_000 },
  async ([failpoint]) => {
    const { env, database } = await setUp();
    const doomed = launchWeir({ ...env, WEIR_FAILPOINTS: failpoint });
    doomed.url = String((await doomed.waitFor('started')).addr);
    const started = await doomed.request('POST', '/v1/parked/jobs', { action: 'replay', filter: { scope } });
    expect(started.status).toBe(202);
    expect(await doomed.exited).toBe('SIGKILL');
    const { id } = started.body;
    const { rows } = await database.query(
      "SELECT count(*)::int AS count FROM parked WHERE state = 'REPLAYED'",
    );
    expect(rows[0].count).toBeGreaterThan(100);
    expect(rows[0].count).toBeLessThan(items);

    // The first case waits for the lease to expire by itself.
    if (failpoint !== 'after-replay:350') await database.query('UPDATE parked_jobs SET leased_until = now()');
    const weir = await startWeir(env);
    const failed = items / 100;
    const done = items - failed;
    expect(await waitForEnd(weir, id)).toMatchObject({
      state: 'DONE',
      matched: items,
      done,
      failed,
      skipped: 0,
    });
    expect(await readChanges(database, id)).toEqual({
      ...{ instances: done, instancesApart: done, replayed: done, attempts: 1 },
      ...{ named: done, namedApart: done },
    });
    await database.query("UPDATE instance_logs SET status = 'SUCCESS' WHERE status = 'PROCESSING'");
    await weir.request('GET', '/v1/audit?full=true');
    await expectAuditHolds(weir);
  },
);

test('two processes run the jobs of two operators, and no item is acted on twice', async () => {
  const { env, database } = await setUp();
  const both = await Promise.all([startWeir(env), startWeir(env)]);
  const ids = await Promise.all(
    both.map(async (weir) => {
      const { body } = await weir.request('POST', '/v1/parked/jobs', { action: 'replay', filter: { scope } });
      return body.id as string;
    }),
  );
  const ended = await Promise.all(both.map((weir, index) => waitForEnd(weir, ids[index] as string)));
  const done = items - items / 100;
  expect(ended.reduce((sum, job) => sum + job.done, 0)).toBe(done);
  const changes = await Promise.all(ids.map((id) => readChanges(database, id)));
  expect(changes.map(({ named, replayed }) => named === replayed)).toEqual([true, true]);
  expect(changes[0]).toMatchObject({ instances: done, instancesApart: done });
});
