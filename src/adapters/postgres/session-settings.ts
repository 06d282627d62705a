/**
 * What every session is set to, whatever ALTER DATABASE, ALTER ROLE or postgresql.conf says: the program reads dates, bytes
 * and numbers as these make them. What an operator decides on purpose (default_transaction_read_only,
 * synchronous_commit, the planner) stays as it is.
 */
const pinned = {
  client_encoding: 'UTF8',
  datestyle: 'ISO, MDY',
  timezone: 'UTC',
  intervalstyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  transform_null_equals: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  lock_timeout: '0',
  idle_session_timeout: '0',
  // The client's own deadline ends nothing on the server, and a host that vanished would keep its row locks for two hours.
  idle_in_transaction_session_timeout: '60s',
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  // A plan that was made while a table was small reads all of it later, for 500 rows of settling 2 s instead of 15 ms at
  // 60,000 rows. Compiling a plan takes up to 300 ms and saves nothing on statements as short as these.
  plan_cache_mode: 'force_custom_plan',
  jit: 'off',
};

/** PostgreSQL 17 and newer; 0 disables it. */
const transactionTimeout = `SELECT set_config('transaction_timeout', '0', false)
  WHERE current_setting('server_version_num')::int >= 170000`;

export interface SessionOptions {
  /** The server ends a statement that runs for longer. */
  statementTimeoutMs: number;
  /** Where the tables are; undefined: where the role's search_path finds them. */
  schema: string | undefined;
}

/** One script, one round trip. */
export function sessionSettings({ statementTimeoutMs, schema }: SessionOptions): string {
  const settings = { ...pinned, statement_timeout: `${statementTimeoutMs}ms` };
  return [
    ...Object.entries(settings).map(([name, value]) => `SET ${name} = '${value}'`),
    ...(schema === undefined ? [] : [`SET search_path = ${quoteIdentifier(schema)}`]),
    transactionTimeout,
  ].join('; ');
}

/** Of `pinned`, what decides what a value means. Poolers keep client_encoding, datestyle and the like for each client. */
const decisive = [
  'intervalstyle',
  'bytea_output',
  'extra_float_digits',
  'array_nulls',
  'transform_null_equals',
  'default_transaction_isolation',
  'default_transaction_deferrable',
] as const;
/** Of `pinned`, what costs time or keeps locks where it differs, as `RESET` shows it. */
const timely = {
  idle_in_transaction_session_timeout: '60000',
  plan_cache_mode: 'force_custom_plan',
  jit: 'off',
};

/**
 * Statements for what a session that sets nothing would lack.
 *
 * @param values what each setting has in a new session
 * @param give makes a statement of `name = value`
 */
export function lostSettings(
  values: ReadonlyMap<string, string>,
  schema: string | undefined,
  give: (setting: string) => string,
): { needed: string[]; wanted: string[] } {
  const needed = decisive
    .filter((name) => values.get(name) !== pinned[name])
    .map((name) => give(`${name} = '${pinned[name]}'`));
  const [searched] = (values.get('search_path') ?? '').split(', ');
  if (schema !== undefined && searched !== schema && searched !== quoteIdentifier(schema)) {
    needed.push(give(`search_path = ${quoteIdentifier(schema)}`));
  }
  const wanted = Object.entries(timely)
    .filter(([name, value]) => values.get(name) !== value)
    .map(([name]) => give(`${name} = '${pinned[name as keyof typeof timely]}'`));
  return { needed, wanted };
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
