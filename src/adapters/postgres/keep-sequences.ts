import type { Database } from '../../lib/sql.ts';
import { describeSequence, findSequencesBehind, raiseSequences, repairStatement } from './sequences.ts';
import { insufficientPrivilege } from './sqlstates.ts';
import { sqlStateOf } from './transient.ts';

/**
 * Raises sequences that are behind their tables, with a warning. Runs at each start and once a minute.
 *
 * @throws an error with a complete sentence when the role may not raise a sequence: every insert would fail
 */
export async function checkSequences(database: Database, warn: (warning: string) => void): Promise<void> {
  try {
    for (const behind of await raiseSequences(database)) {
      warn(`${describeSequence(behind)}: raised, as after a copy that left sequences out`);
    }
  } catch (error) {
    if (sqlStateOf(error) !== insufficientPrivilege) throw error;
    const found = await findSequencesBehind(database).catch(() => []);
    if (found.length === 0) {
      warn(`cannot compare sequences with their tables: ${(error as Error).message} (see Roles and grants)`);
      return;
    }
    throw new Error(
      `cannot raise ${found.map(describeSequence).join('; ')}: run ${found.map(repairStatement).join('; ')}`,
      { cause: error },
    );
  }
}

interface KeeperOptions {
  warn: (warning: string) => void;
  onFailure: (error: unknown) => void;
}

/**
 * After a cutover under a running program, the first insert that fails starts one repair of all sequences;
 * failed inserts are retried.
 */
export function keepSequences(getDatabase: () => Database, { warn, onFailure }: KeeperOptions): () => void {
  let isRunning = false;
  return () => {
    if (isRunning) return;
    isRunning = true;
    checkSequences(getDatabase(), warn)
      .catch(onFailure)
      .finally(() => {
        isRunning = false;
      });
  };
}
