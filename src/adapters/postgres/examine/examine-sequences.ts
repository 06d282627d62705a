import type { Finding } from '../../../lib/finding.ts';
import type { Sql } from '../../../lib/sql.ts';
import { describeSequence, findSequencesBehind, mendSequence } from '../sequences.ts';
import { problem } from './finding.ts';

/** After a cutover: an insert would meet a key that exists, or a row would come below a cursor. */
export async function examineSequences(sql: Sql): Promise<Finding[]> {
  const behind = await findSequencesBehind(sql);
  return behind.map((sequence) =>
    problem(describeSequence(sequence), `start Weir, which raises it, or run ${mendSequence(sequence)}`),
  );
}
