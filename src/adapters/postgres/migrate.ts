import { readdir, readFile } from 'node:fs/promises';
import type { Actor } from '../../core/actor.ts';
import type { Migrations } from '../../lib/migrations.ts';
import { packageRoot } from '../../lib/package-root.ts';
import { type Database, type Sql, textArray } from '../../lib/sql.ts';
import { recordActivity } from './activity.ts';
import {
  DatabaseTooNewError,
  EarlierSchemaError,
  MigrationError,
  PermissionError,
  TableInTheWayError,
} from './schema-errors.ts';
import { quoteIdentifier } from './session-settings.ts';
import { isUnavailable, sqlStateOf } from './transient.ts';

/** Weir's own tables. */
export const ownMigrations: Migrations = { folder: 'migrations/', versionTable: 'schema_migrations' };

const fileName = /^(\d{4})_([a-z0-9_]+)\.sql$/;

interface Migration {
  version: number;
  name: string;
  script: string;
}

/** Held until the end of the transaction; no other lock uses this number. */
export const migrationLock = 'SELECT pg_advisory_xact_lock(7306101)';

/**
 * Upgrades the schema to this program's version; replicas that start together wait for each other.
 *
 * `actor`: the operator who ran `weir migrate`; undefined at a start.
 *
 * @returns the names of the migrations applied now
 * @throws DatabaseTooNewError when a newer program has migrated it, TableInTheWayError when a table that
 * Weir did not create has the name of one of its own, PermissionError, MigrationError
 */
export async function migrate(database: Database, sets = [ownMigrations], actor?: Actor): Promise<string[]> {
  // Migrating a large table may take longer than the statement timeout of the service.
  return database.withDeadline(0).transaction(async (sql) => {
    await sql.query(migrationLock);
    await createSchemaIfMissing(sql);
    const applied: string[] = [];
    for (const each of sets) applied.push(...(await applyMissing(sql, each)));
    if (actor && applied.length > 0) await recordMigrations(sql, actor, applied);
    return applied;
  });
}

async function recordMigrations(sql: Sql, actor: Actor, applied: readonly string[]): Promise<void> {
  const [row] = await sql.query<{ schema: string }>('SELECT current_schema() AS schema');
  const subjectId = row?.schema ?? '';
  await recordActivity(sql, actor, { action: 'SCHEMA_MIGRATED', subjectId, after: { applied } });
}

async function applyMissing(sql: Sql, of: Migrations): Promise<string[]> {
  const migrations = await readMigrations(of);
  const current = await readSchemaVersion(sql, of);
  const newest = migrations.at(-1)?.version ?? 0;
  if (current !== undefined && current > newest) throw new DatabaseTooNewError(current, newest);
  const missing = migrations.filter(({ version }) => version > (current ?? 0));
  if (current === undefined) await createVersionTable(sql, of);
  for (const migration of missing) await apply(sql, of, migration);
  return missing.map(({ name }) => name);
}

async function apply(
  sql: Sql,
  { versionTable }: Migrations,
  { version, name, script }: Migration,
): Promise<void> {
  try {
    await sql.runScript(script);
    await sql.query(`INSERT INTO ${versionTable} (version, name) VALUES ($1, $2)`, [version, name]);
  } catch (error) {
    if (isUnavailable(error)) throw error;
    throw new MigrationError(name, error as Error);
  }
}

/**
 * For starts with migrations switched off. @throws an error with a complete sentence unless the schema has
 * this program's version
 */
export async function checkSchema(database: Database, of = ownMigrations): Promise<void> {
  const newest = await readNewestVersion(of);
  const current = (await readSchemaVersion(database, of)) ?? 0;
  if (current > newest) throw new DatabaseTooNewError(current, newest);
  if (current < newest) {
    throw new Error(
      `the database has schema version ${current}, this program needs ${newest}: run \`weir migrate\``,
    );
  }
}

/** Only a schema that the search_path names alone, as data.database.schema or the URL set it. */
async function createSchemaIfMissing(sql: Sql): Promise<void> {
  const [row] = await sql.query<{ schema: string | null; path: string }>(
    "SELECT current_schema() AS schema, current_setting('search_path') AS path",
  );
  const schema = /^"?([a-z_][a-z0-9_]*)"?$/.exec(row?.path ?? '')?.[1];
  if (row?.schema !== null || schema === undefined) return;
  await permitted(`schema ${schema}`, sql.runScript(`CREATE SCHEMA ${quoteIdentifier(schema)}`));
}

function createVersionTable(sql: Sql, { versionTable }: Migrations): Promise<void> {
  return permitted(
    'the tables',
    sql.runScript(`CREATE TABLE ${versionTable} (
      version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW())`),
  );
}

async function permitted(what: string, running: Promise<void>): Promise<void> {
  try {
    await running;
  } catch (error) {
    // 3F000: the search_path names no schema that exists.
    if (!['42501', '3F000'].includes(sqlStateOf(error) ?? '')) throw error;
    throw new PermissionError(what, error as Error);
  }
}

/**
 * Reads only, so it needs no right to create anything.
 *
 * @returns undefined when these migrations have never been applied here
 * @throws TableInTheWayError, EarlierSchemaError
 */
export async function readSchemaVersion(sql: Sql, of = ownMigrations): Promise<number | undefined> {
  const { versionTable } = of;
  const [found] = await sql.query<{ schema: string | null; names: string[]; columns: string[] }>(
    `SELECT current_schema() AS schema,
       ARRAY(SELECT relname::text FROM pg_class WHERE relname = ANY ($1::text[])
         AND relnamespace = to_regnamespace(quote_ident(current_schema())) ORDER BY relname) AS names,
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped
         AND attrelid = to_regclass(quote_ident(current_schema()) || '.' || $2) ORDER BY attname) AS columns`,
    [textArray(await readTableNames(of)), versionTable],
  );
  const { schema, names, columns } = found ?? { schema: null, names: [], columns: [] };
  if (columns.join() !== 'applied_at,name,version') {
    const [inTheWay] = columns.length > 0 ? [versionTable] : names;
    if (inTheWay !== undefined) throw new TableInTheWayError(inTheWay, schema ?? '');
    return undefined;
  }
  const [row] = await sql.query<{ version: number | null; first: string | null }>(
    `SELECT max(version) AS version, max(name) FILTER (WHERE version = 1) AS first FROM ${versionTable}`,
  );
  const [initial] = await readMigrations(of);
  if (row?.first && row.first !== initial?.name) throw new EarlierSchemaError();
  return row?.version ?? 0;
}

export async function readNewestVersion(of = ownMigrations): Promise<number> {
  return (await readMigrations(of)).at(-1)?.version ?? 0;
}

/** The names of all tables that the migrations create. */
export async function readTableNames(of = ownMigrations): Promise<string[]> {
  const scripts = (await readMigrations(of)).map(({ script }) => script);
  return scripts.flatMap((script) =>
    [...script.matchAll(/^CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)/gm)].map(([, name]) => name as string),
  );
}

async function readMigrations(of: Migrations): Promise<Migration[]> {
  const folder = new URL(of.folder, packageRoot);
  const files = (await readdir(folder)).filter((file) => fileName.test(file)).sort();
  return Promise.all(
    files.map(async (file) => ({
      version: Number(file.slice(0, 4)),
      name: file.slice(0, -'.sql'.length),
      script: await readFile(new URL(file, folder), 'utf8'),
    })),
  );
}
