import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { diagnosePostgres } from '../../src/adapters/postgres/diagnose/diagnose-postgres.ts';
import type { Finding } from '../../src/lib/finding.ts';
import {
  createEmptyPostgresDatabase,
  createPostgresDatabase,
  postgresUrl,
  uniqueName,
} from '../support/stores.ts';

const usual = { isMigrated: true, schema: '', connections: 5 };

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** Findings other than ok, without those that depend on the test's server and its other users. */
async function diagnose(url: string, settings: Partial<typeof usual> = {}): Promise<Finding[]> {
  const findings = await diagnosePostgres({ url }, { ...usual, ...settings });
  const ofServer =
    /^(fsync|full_page_writes|synchronous_commit|wal_level|autovacuum|session|each process|its clock)/;
  return findings.filter(({ level, what }) => level !== 'ok' && !ofServer.test(what));
}

async function createRole(
  url: string,
  grants: string,
): Promise<{ admin: pg.Client; as: string; role: string }> {
  const admin = await connect(url);
  const role = uniqueName('weir_role');
  await admin.query(`CREATE ROLE ${role} LOGIN`);
  onTestFinished(async () => {
    await admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  });
  await admin.query(grants.replaceAll('ROLE', role));
  const as = new URL(url);
  as.username = role;
  return { admin, as: as.href, role };
}

describe('the doctor of PostgreSQL', () => {
  test('doctor finds nothing wrong with a database that Weir has just set up', async () => {
    expect(await diagnose(await createPostgresDatabase())).toEqual([]);
  });

  test('doctor says whether a power cut can lose a commit', async () => {
    const url = await createPostgresDatabase();
    const client = await connect(url);
    const { rows } = await client.query(
      "SELECT current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean AS safe",
    );
    const diagnoseAll = async () => (await diagnosePostgres({ url }, usual)).map(({ what }) => what);
    const safe = expect.stringMatching(/: a power cut loses no commit$/);
    const found = await diagnoseAll();
    if (rows[0]?.safe) expect(found).toContainEqual(safe);
    else expect(found).toContainEqual(expect.stringMatching(/= off: a power cut can lose or corrupt/));
    await client.query(`ALTER DATABASE "${new URL(url).pathname.slice(1)}" SET synchronous_commit = off`);
    const after = await diagnoseAll();
    expect(after).toContainEqual(
      expect.stringMatching(/^synchronous_commit = off: .* before a crash are lost$/),
    );
    expect(after).not.toContainEqual(safe);
  });

  test('doctor says of an empty database what the next start does, and creates nothing', async () => {
    const url = await createEmptyPostgresDatabase();
    expect(await diagnose(url)).toMatchObject([{ level: 'warning', what: 'the schema is missing' }]);
    expect(await diagnose(url, { isMigrated: false })).toMatchObject([
      { level: 'problem', advice: 'run weir migrate as the owner of the schema' },
    ]);
    const { rows } = await (await connect(url)).query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'");
    expect(rows).toEqual([]);
  });

  test('doctor names what the role may not do, with the statement that grants it', async () => {
    const empty = await createRole(
      await createEmptyPostgresDatabase(),
      'GRANT USAGE ON SCHEMA public TO ROLE',
    );
    await empty.admin.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    const [missing] = await diagnose(empty.as);
    expect(missing).toMatchObject({ level: 'problem' });
    expect(missing?.advice).toContain(`GRANT CREATE ON SCHEMA public TO ${empty.role}`);

    await empty.admin.query(`REVOKE ALL ON SCHEMA public FROM PUBLIC, ${empty.role}`);
    expect((await diagnose(empty.as, { isMigrated: false }))[0]?.advice).toBe(
      `GRANT USAGE ON SCHEMA public TO ${empty.role}`,
    );

    const full = await createRole(
      await createPostgresDatabase(),
      'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ROLE; ' +
        'GRANT SELECT, UPDATE, USAGE ON ALL SEQUENCES IN SCHEMA public TO ROLE; REVOKE INSERT ON orders FROM ROLE',
    );
    expect(await diagnose(full.as, { isMigrated: false })).toMatchObject([
      { level: 'problem', what: `role ${full.role} lacks INSERT on orders` },
    ]);
    expect((await diagnose(full.as)).at(-1)).toMatchObject({
      level: 'warning',
      what: expect.stringContaining('does not own'),
    });
  });

  test('doctor names each sequence behind its table, with the statement to raise it', async () => {
    const url = await createPostgresDatabase();
    const client = await connect(url);
    await client.query(`INSERT INTO settle_marks (source, status, instances, delays_ms)
      SELECT 'GIFT', 'SUCCESS', 1, '{}' FROM generate_series(1, 3); SELECT setval('settle_marks_id_seq', 1);
      UPDATE overdue_cursor SET id = 70`);
    const findings = await diagnose(url);
    expect(findings.map(({ what }) => what)).toEqual([
      'sequence instance_logs_id_seq is at 0, and instance_logs is at 70',
      'sequence settle_marks_id_seq is at 1, and settle_marks is at 3',
    ]);
    expect(findings[1]?.advice).toContain("SELECT setval('settle_marks_id_seq', ");
  });

  test.each([
    [
      'a trigger that is disabled',
      'ALTER TABLE orders DISABLE TRIGGER orders_moves',
      'orders_moves on orders',
    ],
    ['an unlogged table', 'ALTER TABLE outbox SET UNLOGGED', 'unlogged'],
    [
      'a missing unique key',
      'ALTER TABLE instance_logs DROP CONSTRAINT instance_logs_source_source_id_scope_key',
      'the unique key of purchases is missing',
    ],
    [
      'a key that sorts by a language',
      'ALTER TABLE orders ALTER COLUMN id TYPE VARCHAR(64) COLLATE "en-x-icu"',
      'orders_pkey',
    ],
  ])('doctor names %s', async (_, script, what) => {
    const url = await createPostgresDatabase();
    await (await connect(url)).query(script);
    const findings = await diagnose(url);
    expect(findings).toMatchObject([{ level: 'problem' }]);
    expect(findings[0]?.what).toContain(what);
  });

  test('doctor names row level security that hides rows from the role', async () => {
    const { as } = await createRole(
      await createPostgresDatabase(),
      'GRANT ALL ON ALL TABLES IN SCHEMA public TO ROLE; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ROLE; ' +
        'ALTER TABLE parked ENABLE ROW LEVEL SECURITY',
    );
    expect((await diagnose(as, { isMigrated: false }))[0]?.what).toContain(
      'hides rows from this role: parked',
    );
  });

  test('doctor compares the collation versions of the database and of its indexes', async () => {
    const admin = await connect(postgresUrl());
    const name = uniqueName('weir_test');
    await admin.query(`CREATE DATABASE ${name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en'`);
    onTestFinished(async () => {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    });
    await admin.query(`UPDATE pg_database SET datcollversion = '1.1' WHERE datname = '${name}'`);
    const client = await connect(postgresUrl(name));
    await client.query(`CREATE TABLE names (name TEXT COLLATE "de-x-icu" PRIMARY KEY);
      UPDATE pg_collation SET collversion = '1.2' WHERE collname IN ('de-x-icu', 'fr-x-icu')`);
    const findings = (await diagnose(postgresUrl(name))).filter(({ what }) => what.includes('collation'));
    expect(findings.map(({ what }) => what.split(' when ')[0])).toEqual([
      `the collation of database ${name} had version 1.1`,
      'collation de-x-icu had version 1.2',
    ]);
  });

  test('doctor names a database in another encoding, and one that takes no writes', async () => {
    const admin = await connect(postgresUrl());
    const name = uniqueName('weir_test');
    await admin.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'`);
    onTestFinished(async () => {
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    });
    await admin.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    const whats = (await diagnose(postgresUrl(name))).map(({ what }) => what).join('\n');
    expect(whats).toContain('encoding SQL_ASCII');
    expect(whats).toContain('default_transaction_read_only = on');
  });

  test('doctor names a limit of connections that one process exceeds', async () => {
    const { as } = await createRole(await createPostgresDatabase(), 'ALTER USER ROLE CONNECTION LIMIT 4');
    const findings = await diagnosePostgres({ url: as }, usual);
    expect(findings.find(({ what }) => what.startsWith('each process'))).toMatchObject({
      level: 'problem',
      what: 'each process opens up to 5 connections, and the CONNECTION LIMIT of the role leaves 4',
    });
  });

  test('doctor names a table in the way and the way out', async () => {
    const url = await createEmptyPostgresDatabase();
    await (await connect(url)).query('CREATE TABLE instance_logs (id BIGINT)');
    const [finding] = await diagnose(url);
    expect(finding).toMatchObject({ level: 'problem' });
    expect(finding?.what).toContain('already holds a table instance_logs');
    expect(finding?.advice).toContain('data.database.schema');
  });

  test('doctor names what to correct after a refused login, not that the server is down', async () => {
    const url = new URL(postgresUrl());
    url.username = 'nobody_of_this_name';
    expect(await diagnose(url.href)).toMatchObject([
      { level: 'problem', advice: expect.stringContaining('pg_hba') },
    ]);
  });
});
