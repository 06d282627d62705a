import type { Finding } from '../../../lib/finding.ts';
import type { Sql } from '../../../lib/sql.ts';
import { describeSequence, findSequencesBehind, repairStatement } from '../sequences.ts';
import { problem } from './finding.ts';

/** After a cutover: an insert would get an existing key, or its row an id below a cursor. */
export async function diagnoseSequences(sql: Sql): Promise<Finding[]> {
  const behind = await findSequencesBehind(sql);
  return behind.map((sequence) =>
    problem(describeSequence(sequence), `start Weir, which raises it, or run ${repairStatement(sequence)}`),
  );
}
