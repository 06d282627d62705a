import pg from 'pg';
import { type ConnectionOptions, toClientConfig } from './connection-options.ts';
import { choosePrimary } from './hosts/find-primary.ts';
import { lostSettings, quoteIdentifier } from './session-settings.ts';

type PoolerMode = 'session' | 'transaction' | 'statement';

interface Pooler {
  mode: PoolerMode;
  /**
   * Statements that give the role what new sessions need, because the pooler drops what one session sets.
   */
  needed: string[];
  /** The same for settings that only cost time, or keep a lock for longer. */
  wanted: string[];
}

const timeoutMs = 5_000;
const rounds = 10;

/** A pooler that Weir cannot work through. The code makes the start fail instead of waiting for it. */
class UnfitPoolerError extends Error {
  readonly code = 'POOLER_UNFIT';
  readonly reason: string;
  readonly remedy: string;

  constructor(reason: string, remedy: string) {
    super(`cannot work through the pooler in front of PostgreSQL: ${reason}; ${remedy}`);
    this.name = 'UnfitPoolerError';
    this.reason = reason;
    this.remedy = remedy;
  }
}

/** @throws UnfitPoolerError when Weir cannot work through the pooler in front of the server */
export async function checkPooler(options: ConnectionOptions): Promise<void> {
  const pooler = await findPooler(options);
  const unfit = pooler && findUnfitness(pooler);
  if (unfit) throw unfit;
}

export function findUnfitness({ mode, needed }: Pooler): UnfitPoolerError | undefined {
  if (mode === 'statement') {
    const reason = 'in statement mode it refuses transactions';
    return new UnfitPoolerError(reason, 'set pool_mode = session or transaction');
  }
  if (mode === 'session' || needed.length === 0) return undefined;
  const reason =
    'in transaction mode it loses what a session sets, and new sessions lack settings that Weir needs';
  return new UnfitPoolerError(reason, `use session mode, or run ${needed.join('; ')}, then RECONNECT`);
}

/** @returns undefined when the server itself answers */
export async function findPooler(given: ConnectionOptions): Promise<Pooler | undefined> {
  const options = await choosePrimary(given);
  const first = createClient(options);
  const second = createClient(options);
  try {
    await first.connect();
    // A pooler reports a process id of its own to clients.
    const pid = await readPid(first);
    if (pid === (first as pg.Client & { processID: number }).processID) return undefined;
    const mode = await findMode(first, second, pid);
    const lost = mode === 'transaction' ? await findLost(first, options.schema) : { needed: [], wanted: [] };
    return { mode, ...lost };
  } finally {
    await Promise.all([first.end(), second.end()].map((ending) => ending.catch(() => {})));
  }
}

/**
 * In transaction mode a client gets the server connection that another has just released; in session mode
 * never. Other clients of the same pool may interfere, so several attempts are made.
 */
async function findMode(first: pg.Client, second: pg.Client, pid: number): Promise<PoolerMode> {
  const refused = await first.query('BEGIN').then(
    () => first.query('ROLLBACK').then(() => undefined),
    (error: Error) => error,
  );
  if (refused && /statement pooling/.test(refused.message)) return 'statement';
  if (refused) throw refused;
  const isReached = await second.connect().then(
    () => true,
    () => false,
  );
  for (let round = 0; isReached && round < rounds; round++) {
    // When the first client holds the last server connection, the second waits in vain: that is session
    // mode too.
    if ((await readPid(second).catch(() => 0)) === pid) return 'transaction';
    if ((await readPid(first)) !== pid) return 'transaction';
  }
  return 'session';
}

/** Compares with the value that RESET would restore, which no other client of the pool can have changed. */
async function findLost(client: pg.Client, schema: string | undefined) {
  const { rows } = await client.query<{ name: string; value: string }>(
    'SELECT name, reset_val AS value FROM pg_settings',
  );
  const { rows: roles } = await client.query<{ name: string }>('SELECT current_user AS name');
  const values = new Map(rows.map(({ name, value }) => [name.toLowerCase(), value]));
  const role = quoteIdentifier(roles[0]?.name ?? '');
  return lostSettings(values, schema, (setting) => `ALTER ROLE ${role} SET ${setting}`);
}

function createClient(options: ConnectionOptions): pg.Client {
  const config = { ...toClientConfig(options), connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs };
  const client = new pg.Client(config as pg.ClientConfig);
  client.on('error', () => {});
  return client;
}

async function readPid(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}
