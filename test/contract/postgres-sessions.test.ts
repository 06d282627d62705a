import { describe, expect, onTestFinished, test } from 'vitest';
import { checkSequences, keepSequences } from '../../src/adapters/postgres/keep-sequences.ts';
import { findSequencesBehind } from '../../src/adapters/postgres/sequences.ts';
import { openPostgresServer, type ServerOptions } from '../../src/adapters/postgres/server.ts';
import { settleResults } from '../../src/adapters/postgres/settle.ts';
import { isTransientDatabaseError } from '../../src/adapters/postgres/transient.ts';
import type { InstanceId } from '../../src/core/instance/purchase.ts';
import { decodeBatch } from '../../src/core/outbox/outbox-batch.ts';
import { encodeResult } from '../../src/core/results/result.ts';
import { TakeResults } from '../../src/core/results/take-results.ts';
import { systemClock } from '../../src/lib/clock.ts';
import type { Database } from '../../src/lib/sql.ts';
import { createAll, createCreation, createProduct, createPurchase, success } from '../support/parts.ts';
import { createPostgresDatabase, uniqueName } from '../support/stores.ts';

const quiet = { maxConnections: 4, onConnectionError() {} };

function open(options: Partial<ServerOptions> & { url: string }): Database {
  const database = openPostgresServer({ ...quiet, ...options });
  onTestFinished(() => database.close());
  return database;
}

async function readPid(database: Database): Promise<number> {
  const [row] = await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return row?.pid as number;
}

test('a repeat that the unique key refuses costs no connection', async () => {
  const database = open({ url: await createPostgresDatabase(), maxConnections: 1 });
  await createProduct(database);
  const purchase = createPurchase({});
  await createAll(database, [purchase]);
  const before = await readPid(database);
  const { createInstances } = createCreation(database);
  for (let i = 0; i < 20; i++)
    expect(await createInstances([purchase])).toMatchObject([{ kind: 'duplicate' }]);
  expect(await readPid(database)).toBe(before);
});

test('a server that turns read-only loses its connections to the new primary', async () => {
  const database = open({ url: await createPostgresDatabase(), maxConnections: 1 });
  const before = await readPid(database);
  const write = database.transaction(async (sql) => {
    await sql.query('SET TRANSACTION READ ONLY');
    await sql.query('DELETE FROM settle_marks');
  });
  await expect(write).rejects.toMatchObject({ code: '25006' });
  expect(await readPid(database)).not.toBe(before);
});

test('sessions do not depend on what ALTER DATABASE or ALTER ROLE sets', async () => {
  const url = await createPostgresDatabase();
  const name = new URL(url).pathname.slice(1);
  const hostile = {
    ...{
      datestyle: 'SQL, DMY',
      timezone: 'Asia/Kathmandu',
      intervalstyle: 'sql_standard',
      bytea_output: 'escape',
    },
    ...{
      extra_float_digits: '-15',
      standard_conforming_strings: 'off',
      array_nulls: 'off',
      lock_timeout: '1ms',
    },
    ...{
      default_transaction_isolation: 'serializable',
      transform_null_equals: 'on',
      client_encoding: 'LATIN1',
    },
    ...{ plan_cache_mode: 'force_generic_plan', statement_timeout: '2000ms', idle_session_timeout: '2000ms' },
    ...{ idle_in_transaction_session_timeout: '2000ms' },
  };
  const admin = open({ url });
  for (const [setting, value] of Object.entries(hostile)) {
    await admin.query(`ALTER DATABASE ${name} SET ${setting} = '${value}'`);
  }
  const database = open({ url });
  const settings = await database.query<{ name: string; setting: string }>(
    `SELECT name, setting FROM pg_settings WHERE name = ANY ('{${Object.keys(hostile).join()}}')`,
  );
  const kept = settings.filter(({ name, setting }) => {
    const wanted = Object.entries(hostile).find(([key]) => key === name.toLowerCase())?.[1];
    return wanted?.replace(/ms$/, '') === setting;
  });
  expect(kept).toEqual([]);

  await createProduct(database);
  const purchase = createPurchase({ sourceId: 'back\\slash‘é' });
  const startedAt = Date.now();
  const [outcome] = await createCreation(database).createInstances([purchase]);
  expect(outcome).toMatchObject({ kind: 'created' });
  const createdAt = outcome?.kind === 'created' ? outcome.instance.createdAt.getTime() : 0;
  expect(Math.abs(createdAt - startedAt)).toBeLessThan(60_000);
  const [row] = await database.query<{ batch: Buffer }>('SELECT batch FROM outbox');
  expect(decodeBatch(row?.batch as Buffer)).toHaveLength(1);
});

describe('an error that is no fault of the row', () => {
  async function openAs(grants: string): Promise<{ admin: Database; user: Database }> {
    const url = new URL(await createPostgresDatabase());
    const admin = open({ url: url.href });
    const role = uniqueName('weir_role');
    await admin.query(`CREATE ROLE ${role} LOGIN`);
    onTestFinished(async () => {
      await admin.runScript(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    });
    await createProduct(admin);
    await admin.runScript(grants.replaceAll('ROLE', role));
    url.username = role;
    return { admin, user: open({ url: url.href }) };
  }

  test('a missing grant refuses no purchase and leaves all to be repeated', async () => {
    const { admin, user } = await openAs(
      'GRANT ALL ON ALL TABLES IN SCHEMA public TO ROLE; REVOKE INSERT ON instance_logs FROM ROLE; ' +
        'GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ROLE',
    );
    const creation = createCreation(user).createInstances([createPurchase({}), createPurchase({})]);
    const error = await creation.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: '42501' });
    expect(isTransientDatabaseError(error)).toBe(true);
    expect(await admin.query('SELECT 1 FROM instance_logs')).toEqual([]);
  });

  test('a missing grant keeps results: neither parked nor acknowledged, batch not split', async () => {
    const { user } = await openAs('GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE');
    const parked: unknown[] = [];
    let tries = 0;
    const intake = new TakeResults({
      queue: undefined as never,
      settle: (results) => {
        tries++;
        return settleResults(user, results);
      },
      park: async (unfit) => {
        parked.push(...unfit);
      },
      isTransient: isTransientDatabaseError,
      clock: systemClock,
      onSettled() {},
      onParked() {},
      onFailure() {},
    });
    const bodies = [1n, 2n, 3n].map((id) => ({ body: encodeResult(success(id as InstanceId)) }));
    await expect(intake.take(bodies)).rejects.toMatchObject({ code: '42501' });
    expect(parked).toEqual([]);
    expect(tries).toBe(1);
  });

  test('a refused login and missing TLS are classified without an SQLSTATE', async () => {
    const url = new URL(await createPostgresDatabase());
    url.username = 'nobody_of_this_name';
    const refused = await open({ url: url.href })
      .query('SELECT 1')
      .catch((reason: unknown) => reason);
    expect(refused).toMatchObject({ code: '28000' });
    expect(isTransientDatabaseError(refused)).toBe(true);
    const secure = `${await createPostgresDatabase()}?sslmode=verify-full`;
    const failed = await open({ url: secure })
      .query('SELECT 1')
      .catch((reason: unknown) => reason);
    expect(failed).toBeInstanceOf(Error);
    expect(isTransientDatabaseError(failed)).toBe(true);
  });
});

describe('sequences that are behind their tables, as after a cutover', () => {
  async function openBehind(): Promise<{ url: string; database: Database }> {
    const url = await createPostgresDatabase();
    const database = open({ url });
    await createProduct(database);
    for (let i = 0; i < 3; i++) await createAll(database, [createPurchase({}), createPurchase({})]);
    await database.query(
      `INSERT INTO parked (origin, reason, detail, source, scope, source_id, original)
       VALUES ('STREAM', 'INTERNAL', '', 'SECKILL', 's', '1-1', '')`,
    );
    await database.runScript(`
      SELECT setval('instance_logs_id_seq', 1, false); SELECT setval('outbox_id_seq', 1, false);
      SELECT setval('parked_id_seq', 1, false)`);
    return { url, database };
  }

  test('sequences behind their tables are named, and no purchase is refused for them', async () => {
    const { database } = await openBehind();
    const creation = createCreation(database).createInstances([createPurchase({})]);
    const error = await creation.catch((reason: unknown) => reason);
    expect(String(error)).toContain('sequence instance_logs_id_seq is behind');
    expect(String(error)).toContain("SELECT setval('instance_logs_id_seq'");
    expect(isTransientDatabaseError(error)).toBe(true);
  });

  test('sequences are raised by the first failed insert, and the repeat succeeds', async () => {
    const { url } = await openBehind();
    const warnings: string[] = [];
    let keep = () => {};
    const database = open({ url, onSequenceBehind: () => keep() });
    const raised = new Promise<void>((resolve) => {
      const warn = (warning: string) => {
        if (warnings.push(warning) === 3) resolve();
      };
      keep = keepSequences(() => database, { warn, onFailure() {} });
    });
    const { createInstances } = createCreation(database);
    const purchase = createPurchase({});
    const first = await createInstances([purchase]).catch(() => undefined);
    await raised;
    const [outcome] = first ?? (await createInstances([purchase]));
    expect(outcome?.kind).toBe('created');
    expect(warnings.map((warning) => /^sequence (\S+)/.exec(warning)?.[1]).sort()).toEqual([
      'instance_logs_id_seq',
      'outbox_id_seq',
      'parked_id_seq',
    ]);
    expect(await findSequencesBehind(database)).toEqual([]);
  });

  test('sequences are raised above every cursor, and the cursors start again below', async () => {
    const { database } = await openBehind();
    await database.runScript(`
      DELETE FROM instance_logs; UPDATE overdue_cursor SET id = 50000; UPDATE audit_checkpoint SET instance_log_id = 60000`);
    await createAll(database, [createPurchase({})]).catch(() => {});
    await checkSequences(database, () => {});
    const [row] = await database.query<{ last: string; overdue: string; checked: string }>(
      `SELECT (SELECT last_value::text FROM instance_logs_id_seq) AS last, (SELECT id::text FROM overdue_cursor) AS overdue,
         (SELECT instance_log_id::text FROM audit_checkpoint) AS checked`,
    );
    expect(Number(row?.last)).toBeGreaterThan(60_000);
    expect(row).toMatchObject({ overdue: '0', checked: '0' });
  });

  test('sequences behind their tables fail a start whose role may not raise them', async () => {
    const { url, database } = await openBehind();
    const role = uniqueName('weir_role');
    await database.runScript(`CREATE ROLE ${role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};
      GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA public TO ${role}`);
    onTestFinished(() => database.runScript(`DROP OWNED BY ${role}; DROP ROLE ${role}`));
    const as = new URL(url);
    as.username = role;
    await expect(checkSequences(open({ url: as.href }), () => {})).rejects.toThrow(
      /cannot raise sequence instance_logs_id_seq .*run SELECT setval\('instance_logs_id_seq', \d+\)/,
    );

    await database.runScript(`REVOKE SELECT ON ALL SEQUENCES IN SCHEMA public FROM ${role}`);
    const warnings: string[] = [];
    await checkSequences(open({ url: as.href }), (warning) => warnings.push(warning));
    expect(warnings).toEqual([expect.stringContaining('cannot compare sequences')]);
  });
});

describe('a pooler that changes the session behind a connection', () => {
  test.each([
    ['loses prepared statements', 'DEALLOCATE ALL'],
    [
      'has prepared them already',
      'DEALLOCATE ALL; PREPARE "weir-insert" AS SELECT 1; PREPARE "weir-insert-known" AS SELECT 1',
    ],
  ])('purchases pass a pooler that %s, unnamed', async (_, script) => {
    let unprepared = 0;
    const url = await createPostgresDatabase();
    const database = open({ url, maxConnections: 1, onUnprepared: () => unprepared++ });
    await createProduct(database);
    const { createInstances } = createCreation(database);
    if (!script.includes('PREPARE')) await createInstances([createPurchase({})]);
    for (let i = 0; i < 3; i++) {
      await database.runScript(script);
      const repeated = createPurchase({});
      expect(await createInstances([repeated])).toMatchObject([{ kind: 'created' }]);
      expect(await createInstances([repeated])).toMatchObject([{ kind: 'duplicate' }]);
    }
    expect(unprepared).toBe(1);
  });
});
