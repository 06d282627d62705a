export class DatabaseTooNewError extends Error {
  constructor(found: number, known: number) {
    super(
      `the database has schema version ${found}, this program supports up to ${known}: start the newer Weir that created it`,
    );
    this.name = 'DatabaseTooNewError';
  }
}

/** Version 0.1 begins with a new schema, and nothing older was released. */
export class EarlierSchemaError extends Error {
  constructor() {
    super(
      'the database was set up by a Weir from before version 0.1, which cannot be upgraded: ' +
        'use a new database, a new data.database.schema, or a new embedded folder',
    );
    this.name = 'EarlierSchemaError';
  }
}

/** Nothing was changed: a table of another program must not be mistaken for one of Weir's. */
export class TableInTheWayError extends Error {
  constructor(table: string, schema: string) {
    super(
      `cannot set up the database: schema ${schema} already holds a table ${table} that Weir did not create; ` +
        'set data.database.schema to a schema for Weir alone, or data.database.source to another database',
    );
    this.name = 'TableInTheWayError';
  }
}

export class PermissionError extends Error {
  constructor(what: string, cause: Error) {
    super(
      `cannot create ${what}: ${cause.message}; run \`weir migrate\` with a role that may, and set ` +
        'data.database.migrate: false (docs/stores.md, PostgreSQL, lists the grants)',
      { cause },
    );
    this.name = 'PermissionError';
  }
}

/** The whole transaction is rolled back: the schema is unchanged. */
export class MigrationError extends Error {
  constructor(name: string, cause: Error) {
    const detail = 'detail' in cause && typeof cause.detail === 'string' ? ` (${cause.detail})` : '';
    super(`cannot apply migration ${name}: ${cause.message}${detail}; nothing was changed`, { cause });
    this.name = 'MigrationError';
  }
}
