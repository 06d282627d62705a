import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { postgresActivityQueries } from '../../src/adapters/postgres/list-activity.ts';
import { removeOldJobs } from '../../src/adapters/postgres/old-records.ts';
import { parkItems } from '../../src/adapters/postgres/parked.ts';
import { postgresJobSteps } from '../../src/adapters/postgres/parked-job-steps.ts';
import { postgresParkedJobs } from '../../src/adapters/postgres/parked-jobs.ts';
import { postgresParkedOfJobs } from '../../src/adapters/postgres/parked-of-jobs.ts';
import { postgresParkedQueries } from '../../src/adapters/postgres/parked-queries.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import { isTransientDatabaseError } from '../../src/adapters/postgres/transient.ts';
import type { NewParkedItem } from '../../src/core/parked/parked-item.ts';
import { type JobFilter, JobStopped } from '../../src/core/parked/parked-job.ts';
import { ParkedJobRunner } from '../../src/core/parked/parked-job-runner.ts';
import { ParkedReplay } from '../../src/core/parked/replay.ts';
import { encodeOriginal } from '../../src/core/triggers/encode-original.ts';
import { WeirError } from '../../src/errors.ts';
import { Signal } from '../../src/lib/signal.ts';
import { createActor } from '../support/actors.ts';
import { createCreation, createProduct } from '../support/parts.ts';
import { openTestPglite, openTestPostgres } from '../support/stores.ts';

const databases = { PGlite: openTestPglite, PostgreSQL: openTestPostgres };
const stream = 'stream:seckill:1001';
const ann = createActor('ann');

function toEntry(
  number: number,
  fields = ['uid', `${number}`],
  given: Partial<NewParkedItem> = {},
): NewParkedItem {
  return {
    ...{
      origin: 'STREAM',
      reason: 'PRODUCT_NOT_FOUND',
      detail: 'as it was',
      source: 'SECKILL',
      scope: stream,
    },
    sourceId: `${number}-0`,
    original: encodeOriginal(fields.map((part) => Buffer.from(part))),
    ...given,
  };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const never = new AbortController().signal;

describe.each(Object.keys(databases))('a job over parked items on %s', (name) => {
  async function setUp(change: (replay: ParkedReplay) => ParkedReplay['replay'] = bound) {
    const database = await databases[name as keyof typeof databases]();
    const jobs = postgresParkedJobs(database, database);
    const rows = postgresJobSteps(database);
    const replay = new ParkedReplay({
      rows: postgresParkedOfJobs(database),
      payOrder: () => Promise.reject(new Error('no payment is replayed here')),
      createInstances: createCreation(database).createInstances,
      settle: (results) => settleResults(database, results),
      isTransient: isTransientDatabaseError,
      onResolved() {},
    });
    const failures: unknown[] = [];
    const createRunner = (itemsPerStep = 4) =>
      new ParkedJobRunner(
        {
          ...{ rows, replay: change(replay), isTransient: isTransientDatabaseError, signal: new Signal() },
          onStep() {},
          onFailure: (error) => failures.push(error),
        },
        { itemsPerStep, concurrency: 2, everyMs: 5 },
      );
    const runner = createRunner();
    /** Until no job waits for a process. */
    const runAll = async (by = runner) => {
      while (await by.runStep(never));
    };
    const start = (
      action: 'replay' | 'discard',
      filter: JobFilter = {},
      note: string | undefined = 'a test',
    ) => jobs.createJob({ action, filter, note }, ann);
    const list = (filter = {}) =>
      postgresParkedQueries(database).listParked({ state: 'ALL', ...filter }, 500, undefined);
    const listRecords = async (jobId: string) =>
      (
        await postgresActivityQueries(database).listActivity(
          { subject: 'job', subjectId: jobId },
          500,
          undefined,
        )
      ).reverse();
    const countInstances = async () => (await database.query('SELECT 1 FROM instance_logs')).length;
    return {
      ...{ database, jobs, rows, replay, runner, createRunner, runAll, start, list, listRecords, failures },
      countInstances,
    };
  }

  test('a replay job replays each matching item once, in steps, under its operator', async () => {
    const { database, jobs, runAll, start, list, listRecords, countInstances } = await setUp();
    await createProduct(database);
    await parkItems(
      database,
      numbers(10).map((number) => toEntry(number)),
    );
    await parkItems(database, [toEntry(77, ['uid', '77'], { reason: 'PRODUCT_DISABLED' })]);
    const job = await start('replay', { reason: 'PRODUCT_NOT_FOUND' });
    expect(job).toMatchObject({ state: 'RUNNING', matched: 10, done: 0, failed: 0, createdBy: 'ann' });
    await runAll();
    expect(await jobs.findJob(job.id)).toMatchObject({ state: 'DONE', matched: 10, done: 10, failed: 0 });
    expect(await countInstances()).toBe(10);
    const items = await list({ reason: 'PRODUCT_NOT_FOUND' });
    expect(new Set(items.map(({ state, resolvedBy, jobId }) => `${state} ${resolvedBy} ${jobId}`))).toEqual(
      new Set([`REPLAYED ann ${job.id}`]),
    );
    expect(await list({ state: 'PARKED' })).toMatchObject([{ reason: 'PRODUCT_DISABLED', jobId: null }]);
    const records = await listRecords(job.id);
    expect(records.map(({ action, actor }) => `${action} ${actor}`)).toEqual([
      'PARKED_JOB_STARTED ann',
      ...Array.from({ length: 3 }, () => 'PARKED_JOB_REPLAYED ann'),
      'PARKED_JOB_ENDED ann',
    ]);
    expect(records[0]?.after).toMatchObject({ action: 'replay', reason: 'PRODUCT_NOT_FOUND', matched: 10 });
    expect(records.slice(1, 4).map(({ after }) => after)).toEqual([
      { count: 4, items: ['1-4'] },
      { count: 4, items: ['5-8'] },
      { count: 2, items: ['9-10'] },
    ]);
    expect(records.at(-1)?.after).toEqual({ state: 'DONE', done: 10, failed: 0 });
  });

  test('an item that a job cannot replay stays parked, and the results say why', async () => {
    const { database, jobs, runAll, start, list } = await setUp();
    await createProduct(database);
    await parkItems(database, [
      toEntry(1),
      toEntry(2, ['uid', 'nobody']),
      toEntry(3),
      toEntry(4, ['ts', '1']),
    ]);
    const job = await start('replay');
    await runAll();
    expect(await jobs.findJob(job.id)).toMatchObject({ state: 'DONE', matched: 4, done: 2, failed: 2 });
    const results = await jobs.listFailed(job.id, 10, undefined);
    expect(results).toMatchObject([
      { id: '2', code: 'USER_ID_INVALID', detail: expect.stringContaining('nobody') },
      { id: '4', code: 'USER_ID_INVALID' },
    ]);
    expect(await jobs.listFailed(job.id, 10, '2')).toEqual(results.slice(1));
    expect(await list({ state: 'PARKED' })).toMatchObject([
      { id: '4', attempts: 1, reason: 'USER_ID_INVALID' },
      { id: '2', attempts: 1 },
    ]);
  });

  test('a discard job gives up items of every origin, as a discard by hand does', async () => {
    const { database, jobs, runAll, start, list } = await setUp();
    const unit = { origin: 'COMPENSATION', reason: 'RESTOCK_FAILED', sourceId: '9-0' } as const;
    const payment = { origin: 'PAYMENT', source: 'ORDER', scope: 'p:P1', sourceId: 'ORD1' } as const;
    await parkItems(database, [toEntry(1), toEntry(9, [], unit), toEntry(2, [], payment)]);
    await database.query(
      "INSERT INTO payments (order_id, payment_key, payment_id, outcome) VALUES ('ORD1', 'p:P1', 'P1', 'PARKED')",
    );
    await database.query(
      `INSERT INTO compensations (kind, source, source_id, scope, product_id, user_id, reason, restock_due_at)
       VALUES ('RESTOCK', 'SECKILL', '9-0', $1, 1001, 5, 'FAILED', 'infinity')`,
      [stream],
    );
    const job = await start('discard', {}, 'a test of ours');
    await runAll();
    expect(await jobs.findJob(job.id)).toMatchObject({ state: 'DONE', matched: 3, done: 3 });
    const resolution = { code: 'NOTE', params: { note: 'a test of ours' } };
    for (const item of await list()) {
      expect(item).toMatchObject({ state: 'DISCARDED', resolvedBy: 'ann', jobId: job.id, resolution });
    }
    expect(await database.query('SELECT outcome FROM payments')).toEqual([{ outcome: 'DISCARDED' }]);
    expect(await database.query('SELECT status, outcome FROM compensations')).toEqual([
      { status: 'DONE', outcome: 'NO_SALE' },
    ]);
  });

  test('a job whose filter matches nothing is done at once with 0', async () => {
    const { database, rows, start, listRecords } = await setUp();
    await parkItems(database, [toEntry(1)]);
    const job = await start('discard', { reason: 'USER_ID_INVALID' });
    expect(job).toMatchObject({ state: 'DONE', matched: 0, done: 0, failed: 0, endedAt: expect.any(Date) });
    expect(await rows.claimStep(1_000)).toBeUndefined();
    expect((await listRecords(job.id)).map(({ action }) => action)).toEqual([
      'PARKED_JOB_STARTED',
      'PARKED_JOB_ENDED',
    ]);
  });

  test('a job does not touch what is parked after it began, new or again', async () => {
    const { database, jobs, runner, runAll, start, list } = await setUp();
    await createProduct(database);
    await parkItems(
      database,
      numbers(6).map((number) => toEntry(number)),
    );
    await database.query("UPDATE parked SET state = 'REPLAYED', resolved_at = now() WHERE id = 6");
    const job = await start('replay');
    await runner.runStep(never);
    await parkItems(database, [toEntry(1), toEntry(6), toEntry(7)]);
    await runAll();
    expect(await jobs.findJob(job.id)).toMatchObject({ state: 'DONE', done: 5, failed: 0 });
    expect((await list({ state: 'PARKED' })).map(({ sourceId }) => sourceId)).toEqual(['7-0', '6-0', '1-0']);
  });

  test('two jobs over the same items act once, and the second counts none of them', async () => {
    const { database, jobs, runAll, createRunner, start, countInstances, listRecords } = await setUp();
    await createProduct(database);
    await parkItems(
      database,
      numbers(12).map((number) => toEntry(number)),
    );
    const both = [await start('replay'), await start('discard')];
    await Promise.all([runAll(createRunner(3)), runAll(createRunner(3))]);
    const ended = await Promise.all(both.map(({ id }) => jobs.findJob(id)));
    expect(ended.map((job) => job?.state)).toEqual(['DONE', 'DONE']);
    const done = ended.map((job) => job?.done ?? 0);
    expect(done.reduce((sum, count) => sum + count)).toBe(12);
    const [replayed = 0] = done;
    const named = await Promise.all(both.map(({ id }) => listRecords(id)));
    const counts = named.map((records) =>
      records.reduce((sum, { after }) => sum + Number((after as { count?: number })?.count ?? 0), 0),
    );
    expect(counts).toEqual(done);
    // A replay that comes too late has made its instance, which its item then does not name.
    expect(await countInstances()).toBeGreaterThanOrEqual(replayed);
    const rows = await database.query('SELECT DISTINCT source_id FROM instance_logs');
    expect(rows).toHaveLength(await countInstances());
  });

  test('jobs take turns, so that a small one does not wait for a large one', async () => {
    const { database, jobs, runner, start } = await setUp();
    await parkItems(
      database,
      numbers(40).map((number) => toEntry(number)),
    );
    const large = await start('discard', { reason: 'PRODUCT_NOT_FOUND' });
    await parkItems(database, [toEntry(99, [], { reason: 'USER_ID_INVALID' })]);
    const small = await start('discard', { reason: 'USER_ID_INVALID' });
    for (let step = 0; step < 3; step++) await runner.runStep(never);
    expect(await jobs.findJob(small.id)).toMatchObject({ state: 'DONE', done: 1 });
    expect(await jobs.findJob(large.id)).toMatchObject({ state: 'RUNNING', matched: 40, done: 8 });
  });

  test('an aborted job counts and names what it did, and changes nothing after that', async () => {
    const { database, jobs, rows, replay, start, list, listRecords } = await setUp();
    await createProduct(database);
    await parkItems(
      database,
      numbers(6).map((number) => toEntry(number)),
    );
    const { id } = await start('replay');
    const step = await rows.claimStep(60_000);
    if (!step) throw new Error('no step');
    for (const { id } of await rows.findItems(step, 3)) await replay.replay(id, ann, { job: step });
    expect(await jobs.findJob(id)).toMatchObject({ state: 'RUNNING', done: 3 });
    const bob = createActor('bob');
    const aborted = await jobs.abortJob(id, bob);
    expect(aborted).toMatchObject({ state: 'ABORTED', matched: 6, done: 3, failed: 0, endedBy: 'bob' });
    expect(await jobs.abortJob(id, ann)).toEqual(aborted);
    await expect(replay.replay('4', ann, { job: step })).rejects.toThrow(JobStopped);
    await expect(rows.endStep(step, { upTo: '3', isLast: false })).rejects.toThrow(JobStopped);
    await expect(rows.discardItems(step, ['5'], { upTo: '5', isLast: false })).rejects.toThrow(JobStopped);
    expect((await list({ state: 'PARKED' })).map((item) => item.id)).toEqual(['6', '5', '4']);
    expect(await jobs.findJob(id)).toEqual(aborted);
    const [, items, end] = await listRecords(id);
    expect(items).toMatchObject({ action: 'PARKED_JOB_REPLAYED', actor: 'ann', after: { items: ['1-3'] } });
    expect(end).toMatchObject({ action: 'PARKED_JOB_ABORTED', actor: 'bob', after: { done: 3 } });
  });

  test('another process goes on where one died, and each item counts once', async () => {
    const { database, jobs, rows, replay, runAll, start, countInstances, listRecords } = await setUp();
    await createProduct(database);
    await parkItems(database, [...numbers(6).map((number) => toEntry(number)), toEntry(7, ['uid', 'x'])]);
    const { id } = await start('replay');
    const dead = await rows.claimStep(1);
    if (!dead) throw new Error('no step');
    for (const item of ['2', '7', '3']) await replay.replay(item, ann, { job: dead });
    await runAll();
    expect(await jobs.findJob(id)).toMatchObject({ state: 'DONE', matched: 7, done: 6, failed: 1 });
    expect(await countInstances()).toBe(6);
    const attempts = await database.query("SELECT attempts FROM parked WHERE source_id = '7-0'");
    expect(attempts).toEqual([{ attempts: 1 }]);
    const named = (await listRecords(id)).flatMap(
      ({ after }) => (after as { items?: string[] })?.items ?? [],
    );
    expect(named).toEqual(['1-6']);
    // The one that was thought dead.
    expect(await rows.renewStep(dead, 1_000)).toBe(false);
    await expect(rows.endStep(dead, { upTo: '7', isLast: true })).rejects.toThrow(JobStopped);
    await expect(rows.noteFailed(dead, '7', new WeirError('INTERNAL', 'late'))).rejects.toThrow(JobStopped);
  });

  test('a step that a process holds is not given to another', async () => {
    const { database, rows, start } = await setUp();
    await parkItems(database, [toEntry(1)]);
    await start('discard');
    const held = await rows.claimStep(60_000);
    expect(await rows.claimStep(60_000)).toBeUndefined();
    if (held) await rows.releaseStep(held);
    expect(held && (await rows.renewStep(held, 60_000))).toBe(false);
    expect((await rows.claimStep(60_000))?.epoch).toBe('2');
  });

  test('a failure of the store gives the step back, and the job ends with its items', async () => {
    let calls = 0;
    const { database, jobs, runner, failures, start, countInstances } = await setUp((replay) => (...item) => {
      calls++;
      if (calls === 3) throw Object.assign(new Error('shut down'), { code: '57P01' });
      return replay.replay(...item);
    });
    await createProduct(database);
    await parkItems(
      database,
      numbers(9).map((number) => toEntry(number)),
    );
    const { id } = await start('replay');
    const stopping = new AbortController();
    onTestFinished(() => stopping.abort());
    const running = runner.run(stopping.signal);
    await vi.waitFor(async () => expect((await jobs.findJob(id))?.state).toBe('DONE'), 20_000);
    stopping.abort();
    await running;
    expect(failures).toHaveLength(1);
    expect(await jobs.findJob(id)).toMatchObject({ done: 9, failed: 0 });
    expect(await countInstances()).toBe(9);
  });

  test('an item that fails for ever is listed, and the others go on', async () => {
    const { database, jobs, runner, start } = await setUp((replay) => (id, ...rest) => {
      if (id === '2') throw Object.assign(new Error('no such file'), { code: '58P01' });
      return replay.replay(id, ...rest);
    });
    await createProduct(database);
    await parkItems(
      database,
      numbers(9).map((number) => toEntry(number)),
    );
    const { id } = await start('replay');
    for (let turn = 0; turn < 20; turn++) await runner.runStep(never).catch(() => {});
    expect(await jobs.findJob(id)).toMatchObject({ state: 'DONE', done: 8, failed: 1 });
    expect(await jobs.listFailed(id, 10, undefined)).toEqual([
      { id: '2', code: 'STORE_UNAVAILABLE', params: {}, detail: 'cannot replay: no such file' },
    ]);
  });

  test('a job that was done long ago is removed with its results, one that runs is not', async () => {
    const { database, jobs, runAll, start } = await setUp();
    await parkItems(
      database,
      numbers(3).map((number) => toEntry(number)),
    );
    const old = await start('replay');
    await runAll();
    expect(await jobs.findJob(old.id)).toMatchObject({ failed: 3 });
    await start('replay');
    await database.query("UPDATE parked_jobs SET created_at = now() - interval '9 days'");
    await database.query("UPDATE parked_jobs SET ended_at = now() - interval '9 days' WHERE state = 'DONE'");
    let removed = 0;
    for (let count = 1; count > 0; removed += count) count = await removeOldJobs(database, 86_400_000);
    expect(removed).toBe(4);
    expect((await jobs.listJobs(undefined, 10, undefined)).map(({ state }) => state)).toEqual(['RUNNING']);
    expect(await database.query('SELECT 1 FROM parked_job_items')).toEqual([]);
  });

  test('jobs are listed newest first, by their state', async () => {
    const { database, jobs, start } = await setUp();
    await parkItems(database, [toEntry(1)]);
    for (const reason of ['PRODUCT_NOT_FOUND', 'USER_ID_INVALID', 'QUEUE_FULL'])
      await start('replay', { reason });
    const list = async (...[state, limit, cursor]: Parameters<typeof jobs.listJobs>) =>
      (await jobs.listJobs(state, limit, cursor)).map(({ id }) => id);
    expect(await list(undefined, 10, undefined)).toEqual(['3', '2', '1']);
    expect(await list(undefined, 1, '3')).toEqual(['2']);
    expect(await list('RUNNING', 10, undefined)).toEqual(['1']);
    expect(await list('ABORTED', 10, undefined)).toEqual([]);
    expect(await jobs.findJob('99')).toBeUndefined();
    expect(await jobs.abortJob('99', ann)).toBeUndefined();
  });
});

function bound(replay: ParkedReplay): ParkedReplay['replay'] {
  return (...item) => replay.replay(...item);
}
