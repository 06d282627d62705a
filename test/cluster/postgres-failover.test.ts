import { expect, onTestFinished, test } from 'vitest';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { expectAuditHolds } from '../support/life.ts';
import {
  makeAsynchronous,
  promotePostgres,
  startOwnPostgres,
  startSynchronousStandby,
} from '../support/own-postgres.ts';
import type { OwnServer } from '../support/own-server.ts';
import { pollUntil } from '../support/poll-until.ts';
import { createFolder } from '../support/stores.ts';
import { launchWeir, runWeir, startWeir } from '../support/weir.ts';
import { expectVerified } from './expect-verified.ts';
import { Load, payOrder, startShop } from './load.ts';

/** A primary whose commits wait for its standby, and the URL that names both. */
async function startPair() {
  const primary = await startOwnPostgres({ fsync: false });
  onTestFinished(() => primary.dispose());
  const standby = await startSynchronousStandby(primary, { fsync: false });
  onTestFinished(() => standby.dispose());
  const hosts = `127.0.0.1:${primary.port},127.0.0.1:${standby.port}`;
  return { primary, standby, url: `postgres://postgres@${hosts}/shop?target_session_attrs=read-write` };
}

test.each([
  ['killed', (server: OwnServer) => server.kill()],
  ['frozen', async (server: OwnServer) => server.pause()],
  // Its commits wait for a standby that no longer follows it; every other statement succeeds.
  ['left running', async () => {}],
])('purchases go on at the promoted standby when the primary is %s', async (how, fail) => {
  const { primary, standby, url } = await startPair();
  const { weir, redis, env, database } = await startShop(url);
  const load = new Load(weir, redis);
  await load.waitForMore();

  await fail(primary);
  if (how !== 'left running') {
    await pollUntil('readyz to name the database', 20_000, async () =>
      expect((await weir.request('GET', '/readyz')).status).toBe(503),
    );
  }
  await promotePostgres(standby);
  const promotedAtMs = performance.now();
  await pollUntil('a payment after the promotion', 15_000, async () =>
    expect((await payOrder(weir, 'FIRST')).status).toBe(201),
  );
  const resumedAfterMs = performance.now() - promotedAtMs;
  console.log(`primary ${how}: the first instance ${Math.round(resumedAfterMs)} ms after the promotion`);
  expect(resumedAfterMs).toBeLessThan(5_000);
  await load.waitForMore();
  await load.stop();

  await load.expectKept(database);
  await expectAuditHolds(weir);
  expect(weir.lines.filter(({ msg }) => msg === 'parked')).toEqual([]);
  if (how === 'frozen') primary.resume();
  if (how !== 'killed') await expectFormerPrimaryUnused(env, url);
});

/** It accepts writes and stands first in the URL; only its timeline shows that it is not the primary. */
async function expectFormerPrimaryUnused(env: Record<string, string>, url: string): Promise<void> {
  await pollUntil('doctor to find two primaries', 20_000, async () => {
    const { stdout } = await runWeir(['doctor'], env);
    expect(stdout).toMatch(/accept writes: all but one are former primaries/);
  });
  const second = await startWeir(env);
  expect((await payOrder(second, 'SECOND')).status).toBe(201);
  const database = openPostgresServer({ url, maxConnections: 1, onConnectionError() {} });
  onTestFinished(() => database.close());
  const rows = await database.query("SELECT FROM instance_logs WHERE source_id IN ('FIRST', 'SECOND')");
  expect(rows).toHaveLength(2);
}

test('the audit counts the entries whose rows an asynchronous standby had not received', async () => {
  const { primary, standby, url } = await startPair();
  const { weir, redis, database } = await startShop(url);
  const addEntries = async (count: number, rows: number) => {
    for (let i = 0; i < count; i++) await redis.xadd('stream:seckill:1001', '*', 'uid', '7');
    await pollUntil(`${rows} instances`, 20_000, async () =>
      expect(await database.query('SELECT FROM instance_logs')).toHaveLength(rows),
    );
  };
  await addEntries(10, 10);
  await expectAuditHolds(weir);
  await makeAsynchronous(primary);
  await standby.stop();
  await addEntries(7, 17);
  await primary.kill();
  await standby.restart();
  await promotePostgres(standby);
  await pollUntil('the audit to count them', 30_000, async () => {
    const { body } = await weir.request('GET', '/v1/audit?full=true');
    const entries = body.sums?.find(({ name }: { name: string }) => name === 'entries');
    expect(entries).toMatchObject({ difference: -7, exceptions: [{ code: 'ENTRIES_MISSING' }] });
  });
  const accepted = await weir.request('POST', '/v1/audit/accept', { stream: 'stream:seckill:1001' });
  expect(accepted.status).toBe(200);
  await expectAuditHolds(weir);
});

test('every promise holds for the external checker when two servers change roles', async () => {
  const { primary, standby, url } = await startPair();
  await expectVerified({ postgres: url }, async () => {
    await primary.stop();
    await promotePostgres(standby);
  });
});

test('a start waits until a host is promoted, and creates the database there', async () => {
  const { primary, standby, url } = await startPair();
  await primary.stop();
  const env = { WEIR_DATA_DATABASE_SOURCE: url, WEIR_DATA_EMBEDDED_FOLDER: await createFolder() };
  const weir = launchWeir(env);
  await pollUntil('the log to name the standby', 20_000, async () =>
    expect(JSON.stringify(weir.lines)).toContain(`127.0.0.1:${standby.port}: standby`),
  );
  await promotePostgres(standby);
  await weir.waitFor('started');
});

test('doctor names the state of each host when none accepts writes', async () => {
  const { primary, standby, url } = await startPair();
  await primary.stop();
  const env = { WEIR_DATA_DATABASE_SOURCE: url.replace('/shop', '/postgres') };
  const { stdout, code } = await runWeir(['doctor'], env);
  expect(code).toBe(5);
  expect(stdout).toContain(`127.0.0.1:${standby.port} is a standby`);
  expect(stdout).toContain(`cannot use 127.0.0.1:${primary.port}`);
  expect(stdout).toContain('no host of PostgreSQL accepts writes');
});
