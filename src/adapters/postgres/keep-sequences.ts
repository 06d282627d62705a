import type { Database } from '../../lib/sql.ts';
import { describeSequence, findSequencesBehind, mendSequence, raiseSequences } from './sequences.ts';
import { sqlStateOf } from './transient.ts';

/**
 * Raises what is behind and warns of it; one look more at each start and each minute.
 *
 * @throws in one sentence when the role may not raise a sequence: with it behind every insert would fail
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
      `cannot raise ${found.map(describeSequence).join('; ')}: run ${found.map(mendSequence).join('; ')}`,
      { cause: error },
    );
  }
}

const insufficientPrivilege = '42501';

interface KeeperOptions {
  warn: (warning: string) => void;
  onFailure: (error: unknown) => void;
}

/** After a cutover under a running program the first insert that fails mends all sequences at once; the rest retries. */
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
