import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { lockFolder } from '../../src/adapters/embedded/folder-lock.ts';
import { runHere } from '../support/run-here.ts';
import {
  createEmptyPostgresDatabase,
  createFolder,
  createPgliteFolder,
  createPostgresDatabase,
  createRedisDatabase,
  postgresUrl,
  uniqueName,
} from '../support/stores.ts';
import { expectOneSentence } from './one-sentence.ts';

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const { hostname, port } = new URL(postgresUrl());
const placeOf = (url: string) => `database ${new URL(url).pathname.slice(1)} on ${hostname}:${port}`;

/** The commands that expect a database. */
const readers = [
  ['keys', 'create', 'root', '--scope', 'admin'],
  ['keys', 'list'],
  ['keys', 'revoke', 'root'],
  ['stores', 'adopt', 'redis'],
];
const nameOf = (args: readonly string[]) => args.slice(0, 2).join(' ');
const named = (commands: string[][]) => commands.map((args) => [nameOf(args), args] as const);

describe('a local command creates no database', () => {
  test.for(named(readers))('weir %s ends with 4 when the embedded database is missing', async ([, args]) => {
    const folder = join(await createFolder(), 'stores');
    const env = { WEIR_DATA_EMBEDDED_FOLDER: folder, WEIR_DATA_REDIS_ADDR: await createRedisDatabase() };
    const { code, stdout, stderr } = await runHere(args, env);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expectOneSentence(stderr);
    expect(stderr).toContain(`cannot find the embedded database in ${folder}`);
    expect(stderr).toMatch(/weir migrate.*-conf FILE/);
    expect(existsSync(folder)).toBe(false);
  });

  test.for(named(readers))('weir %s ends with 4 when PostgreSQL has no such database', async ([, args]) => {
    const name = uniqueName('weir_test');
    const url = postgresUrl(name);
    const env = { WEIR_DATA_DATABASE_SOURCE: url, WEIR_DATA_REDIS_ADDR: await createRedisDatabase() };
    const { code, stdout, stderr } = await runHere(args, env);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expectOneSentence(stderr);
    expect(stderr).toContain(`cannot find ${placeOf(url)}`);
    expect(await query(postgresUrl(), `SELECT 1 FROM pg_database WHERE datname = '${name}'`)).toEqual([]);
  });

  test('keys create leaves a database without a schema as it is', async () => {
    const url = await createEmptyPostgresDatabase();
    const { code, stderr } = await runHere(['keys', 'create', 'root', '--scope', 'admin'], {
      WEIR_DATA_DATABASE_SOURCE: url,
    });
    expect(code).toBe(1);
    expectOneSentence(stderr);
    expect(stderr).toContain('run `weir migrate`');
    expect(await query(url, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
  });

  test('doctor names the missing embedded database and leaves nothing behind', async () => {
    const parent = await createFolder();
    const folder = join(parent, 'stores');
    const { stdout } = await runHere(['doctor'], { WEIR_DATA_EMBEDDED_FOLDER: folder });
    expect(stdout).toMatch(/^Configuration: no file \(-conf FILE names one\), .*WEIR_DATA_EMBEDDED_FOLDER/);
    expect(stdout).toContain(`Database: the embedded database in ${folder}\n`);
    expect(stdout).toContain(`not created yet: the first start creates it in ${folder}`);
    expect(await readdir(parent)).toEqual([]);
  });
});

describe('a local command names the database in which it acts', () => {
  test('a local command names its PostgreSQL database without its password', async () => {
    const url = new URL(await createPostgresDatabase());
    url.password = 'hunter2';
    const env = { WEIR_DATA_DATABASE_SOURCE: url.href, WEIR_DATA_REDIS_ADDR: await createRedisDatabase() };
    for (const args of [
      ['migrate'],
      ['migrate', '--json'],
      ['demo'],
      ...readers,
      ['doctor'],
      ['doctor', '--json'],
    ]) {
      const { stdout, stderr } = await runHere(args, env);
      expect(stdout + stderr, nameOf(args)).toContain(placeOf(url.href));
      expect(stdout + stderr).not.toContain('hunter2');
    }
  });

  test('a local command names the schema of its database, where one is set', async () => {
    const env = {
      WEIR_DATA_DATABASE_SOURCE: await createEmptyPostgresDatabase(),
      WEIR_DATA_DATABASE_SCHEMA: 'shop',
    };
    const { code, stdout } = await runHere(['migrate'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Applied 0001_initial.* on \S+, schema shop\n$/);
  });

  test('a local command names its embedded folder by its whole path', async () => {
    const folder = await createPgliteFolder();
    const env = { WEIR_DATA_EMBEDDED_FOLDER: folder };
    const { code, stdout, stderr } = await runHere(['keys', 'create', 'root', '--scope', 'admin'], env);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^weir_admin_\w+\n$/);
    expect(stderr).toContain(`(root), scope admin, in the embedded database in ${folder}.`);
  });
});

describe('a folder that another process has open', () => {
  test('an open folder is refused by every command that opens it, with its holder', async () => {
    const folder = await createPgliteFolder();
    const unlock = await lockFolder(folder);
    onTestFinished(unlock);
    const env = { WEIR_DATA_EMBEDDED_FOLDER: folder, WEIR_SERVER_HTTP_ADDR: '127.0.0.1:0' };
    for (const args of [['start'], ['migrate'], ['demo'], ...readers.slice(0, 3)]) {
      const { code, stderr } = await runHere(args, env);
      expect(code, nameOf(args)).toBe(1);
      expectOneSentence(stderr);
      expect(stderr).toContain(`cannot open ${folder}: process ${process.pid} on host`);
    }
    const doctor = await runHere(['doctor'], env);
    expect(doctor.stdout).toContain(`in use by process ${process.pid} on host`);
  });
});

describe('a misspelt variable', () => {
  const commands = [['start'], ['migrate'], ['demo'], ['doctor'], ['stats'], ['resource'], ...readers];

  test.for(named(commands))('a misspelt variable stops weir %s', async ([, args]) => {
    const { code, stdout, stderr } = await runHere(args, { WEIR_SERVER_HTTP_WEBHOKSECRETS: 'whsec_hunter2' });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('did you mean WEIR_SERVER_HTTP_WEBHOOKSECRETS?');
    expect(stderr).not.toContain('hunter2');
  });
});
