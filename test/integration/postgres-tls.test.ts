import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { findUser } from '../../scripts/services/find.mjs';
import type { ConnectionOptions } from '../../src/adapters/postgres/connection-options.ts';
import { diagnosePostgres } from '../../src/adapters/postgres/diagnose/diagnose-postgres.ts';
import { openPostgresServer } from '../../src/adapters/postgres/server.ts';
import { createAuthority } from '../support/authority.ts';
import { startOwnPostgres } from '../support/own-postgres.ts';
import { pollUntil } from '../support/poll-until.ts';
import { runWeir } from '../support/weir.ts';

const settings = { isMigrated: true, schema: '', connections: 5 };

async function isEncrypted(options: ConnectionOptions): Promise<boolean | undefined> {
  const database = openPostgresServer({ ...options, maxConnections: 1, onConnectionError() {} });
  onTestFinished(() => database.close());
  const [row] = await database.query<{ ssl: boolean }>(
    'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
  );
  return row?.ssl;
}

test('a private authority and a client certificate are settings that doctor checks', async () => {
  const authority = createAuthority();
  const certificate = authority.sign('server');
  authority.giveTo(findUser('postgres'), certificate);
  await using server = await startOwnPostgres({
    fsync: false,
    settings: {
      ssl: 'on',
      ssl_cert_file: certificate.cert,
      ssl_key_file: certificate.key,
      ssl_ca_file: authority.ca,
    },
  });
  const ca = { ca: authority.ca, cert: '', key: '' };
  const verified = `${server.url}?sslmode=verify-full`;
  expect(await diagnosePostgres({ url: verified }, settings)).toMatchObject([
    { level: 'problem', advice: expect.stringContaining('data.database.tls.ca') },
  ]);
  expect(await isEncrypted({ url: server.url, tls: ca })).toBe(true);
  expect(await isEncrypted({ url: verified, tls: ca })).toBe(true);
  const oneIsDown = verified.replace('127.0.0.1:', '127.0.0.1:1,127.0.0.1:');
  expect(await isEncrypted({ url: oneIsDown, tls: ca })).toBe(true);

  writeFileSync(join(server.folder, 'data', 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 cert\n');
  const admin = new pg.Client(server.url);
  await admin.connect();
  await admin.query('SELECT pg_reload_conf()');
  await admin.end();
  await pollUntil('the certificate of the client to be required', 5_000, async () => {
    expect(await diagnosePostgres({ url: server.url, tls: ca }, settings)).toMatchObject([
      { level: 'problem', advice: expect.stringContaining('data.database.tls.cert') },
    ]);
  });
  const client = authority.sign('postgres');
  expect(await isEncrypted({ url: server.url, tls: { ca: authority.ca, ...client } })).toBe(true);

  const env = {
    WEIR_DATA_DATABASE_SOURCE: server.url,
    WEIR_DATA_DATABASE_TLS_CA: authority.ca,
    WEIR_DATA_DATABASE_TLS_CERT: client.cert,
    WEIR_DATA_DATABASE_TLS_KEY: client.key,
  };
  expect(await runWeir(['migrate'], env)).toMatchObject({ code: 0 });
  const unreadable = await runWeir(['migrate'], { ...env, WEIR_DATA_DATABASE_TLS_CA: '/nowhere/ca.pem' });
  expect(unreadable.code).toBe(1);
  expect(unreadable.stderr).toContain('cannot read data.database.tls.ca');
});
