/**
 * Settings of every session, whatever ALTER DATABASE, ALTER ROLE or postgresql.conf contain: the program
 * relies on these formats of dates, bytes and numbers. What an operator sets on purpose
 * (default_transaction_read_only, synchronous_commit, the planner) is not touched.
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
  // The client's own deadline ends nothing on the server, and a vanished host would keep its row locks for
  // two hours.
  idle_in_transaction_session_timeout: '60s',
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  // A plan made while a table was small scans all of it later: settling 500 rows took 2 s instead of 15 ms
  // at 60,000 rows. Compiling a plan (JIT) takes up to 300 ms and saves nothing on statements this short.
  plan_cache_mode: 'force_custom_plan',
  jit: 'off',
};

/** PostgreSQL 17 and newer; 0 disables it. */
const transactionTimeout = `SELECT set_config('transaction_timeout', '0', false)
  WHERE current_setting('server_version_num')::int >= 170000`;

interface SessionOptions {
  /** The server ends a statement that runs longer. */
  statementTimeoutMs: number;
  /** The schema of the tables; undefined: found through the role's search_path. */
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

/**
 * The part of `pinned` that decides what a value means. Poolers preserve client_encoding, datestyle and the
 * like per client.
 */
const decisive = [
  'intervalstyle',
  'bytea_output',
  'extra_float_digits',
  'array_nulls',
  'transform_null_equals',
  'default_transaction_isolation',
  'default_transaction_deferrable',
] as const;
/**
 * The part of `pinned` that costs time or keeps locks when it differs, with values as `RESET` shows them.
 */
const timely = {
  idle_in_transaction_session_timeout: '60000',
  plan_cache_mode: 'force_custom_plan',
  jit: 'off',
};

/**
 * Statements for the settings that a session without SET commands would lack.
 *
 * @param values each setting's value in a new session
 * @param give builds a statement from `name = value`
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
