import type { Finding } from '../../../lib/finding.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { findPooler, findUnfitness } from '../pooler.ts';
import { ok, problem, warning } from './finding.ts';

/** Whether a pooler stands between, and whether Weir can work through it. */
export async function examinePooler(options: ConnectionOptions): Promise<Finding[]> {
  const pooler = await findPooler(options);
  if (!pooler) return [];
  const unfit = findUnfitness(pooler);
  if (unfit) return [problem(unfit.message.replace(`; ${unfit.remedy}`, ''), unfit.remedy)];
  const what = `a pooler stands between, in ${pooler.mode} mode`;
  if (pooler.wanted.length === 0) return [ok(what)];
  const advice = `${pooler.wanted.join('; ')}, then RECONNECT (docs/stores.md, Poolers)`;
  return [warning(`${what}: it loses what keeps plans and locks short`, advice)];
}
