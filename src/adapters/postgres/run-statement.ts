import pg from 'pg';
import type { Statement } from '../../lib/sql.ts';
import { isRowError, sqlStateOf } from './transient.ts';

interface RunOptions {
  /** The connection is closed when the answer takes longer; 0: no limit. */
  deadlineMs: number;
  /** Outside a transaction, where a statement that was refused before it ran can be sent again. */
  mayRepeat: boolean;
}

export type StatementRunner = <Row>(
  client: pg.PoolClient,
  statement: Statement | string,
  values: readonly unknown[] | undefined,
  options: RunOptions,
) => Promise<Row[]>;

/**
 * 26000, 42P05: the prepared statement does not exist, or exists already, because a pooler has changed the
 * session behind the connection.
 */
const preparedStatementLost = new Set(['26000', '42P05']);

/**
 * Prepares named statements until a pooler loses one, as PgBouncer before 1.21 does in transaction mode;
 * after that it sends them unnamed. Both errors occur before the statement has run.
 */
export function createStatementRunner(onUnprepared: () => void = () => {}): StatementRunner {
  let prepares = true;
  const send = async <Row>(
    client: pg.PoolClient,
    { name, text }: Statement,
    values: readonly unknown[],
    deadlineMs: number,
  ): Promise<Row[]> => {
    const named = prepares && name !== undefined ? { name } : {};
    const config = { ...named, text, values: [...values], query_timeout: deadlineMs };
    return (await client.query(config as pg.QueryConfig)).rows as Row[];
  };
  return async (client, statement, values = [], { deadlineMs, mayRepeat }) => {
    const whole = typeof statement === 'string' ? { text: statement } : statement;
    try {
      return await send(client, whole, values, deadlineMs);
    } catch (error) {
      if (!preparedStatementLost.has(sqlStateOf(error) ?? '')) throw error;
      if (prepares) onUnprepared();
      prepares = false;
      if (!mayRepeat) throw error;
      return send(client, whole, values, deadlineMs);
    }
  };
}

export async function runScript(client: pg.PoolClient, script: string, deadlineMs: number): Promise<void> {
  await client.query({ text: script, query_timeout: deadlineMs } as pg.QueryConfig);
}

/**
 * Whether the connection must not be used again. A rejected row, a deadlock and an expected unique
 * violation keep the connection; a read-only server closes it, because the next one may lead to the new
 * primary.
 */
export function closesConnection(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError) || error.severity !== 'ERROR') return true;
  const code = error.code ?? '';
  return !isRowError(code) && !code.startsWith('40') && !preparedStatementLost.has(code);
}
