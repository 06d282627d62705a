import { readdir, readFile } from 'node:fs/promises';
import { packageRoot } from '../lib/package-root.ts';
import type { Database, Sql } from '../lib/sql.ts';

const folder = new URL('migrations/', packageRoot);
const fileName = /^(\d{4})_([a-z0-9_]+)\.sql$/;

interface Migration {
  version: number;
  name: string;
  script: string;
}

export class DatabaseTooNewError extends Error {
  constructor(found: number, known: number) {
    super(
      `the database has schema version ${found}, this program knows up to ${known}: start the newer Weir that made it`,
    );
    this.name = 'DatabaseTooNewError';
  }
}

/**
 * Brings the schema up to this program's version; replicas that start together wait for each other.
 *
 * @returns the names of the migrations applied now
 * @throws DatabaseTooNewError when a newer program has been at work
 */
export async function migrate(database: Database): Promise<string[]> {
  const migrations = await readMigrations();
  return database.transaction(async (sql) => {
    // Held to the end of the transaction; the number is this table's alone.
    await sql.query('SELECT pg_advisory_xact_lock(7306101)');
    // A large table may take longer than a statement of the service ever may.
    await sql.query('SET LOCAL statement_timeout = 0');
    const current = await readSchemaVersion(sql);
    const newest = migrations.at(-1)?.version ?? 0;
    if (current > newest) throw new DatabaseTooNewError(current, newest);
    const missing = migrations.filter(({ version }) => version > current);
    for (const { version, name, script } of missing) {
      await sql.runScript(script);
      await sql.query('INSERT INTO schema_migrations (version, name) VALUES ($1, $2)', [version, name]);
    }
    return missing.map(({ name }) => name);
  });
}

/** Throws, in one sentence, unless the schema is this program's; for starts with migrations switched off. */
export async function checkSchema(database: Database): Promise<void> {
  const newest = (await readMigrations()).at(-1)?.version ?? 0;
  const current = await readSchemaVersion(database);
  if (current > newest) throw new DatabaseTooNewError(current, newest);
  if (current < newest) {
    throw new Error(
      `the database has schema version ${current}, this program needs ${newest}: run \`weir migrate\``,
    );
  }
}

async function readSchemaVersion(sql: Sql): Promise<number> {
  await sql.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT NOW())`);
  const [row] = await sql.query<{ version: number | null }>(
    'SELECT max(version) AS version FROM schema_migrations',
  );
  return row?.version ?? 0;
}

async function readMigrations(): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => fileName.test(file)).sort();
  return Promise.all(
    files.map(async (file) => ({
      version: Number(file.slice(0, 4)),
      name: file.slice(0, -'.sql'.length),
      script: await readFile(new URL(file, folder), 'utf8'),
    })),
  );
}
