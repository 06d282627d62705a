import type { Finding } from '../../../lib/finding.ts';
import type { ConnectionOptions } from '../connection-options.ts';
import { findPooler, findUnfitness } from '../pooler.ts';
import { ok, problem, warning } from './finding.ts';

/** Whether there is a pooler in front of the server, and whether Weir can work through it. */
export async function diagnosePooler(options: ConnectionOptions): Promise<Finding[]> {
  const pooler = await findPooler(options);
  if (!pooler) return [];
  const unfit = findUnfitness(pooler);
  if (unfit) return [problem(unfit.message.replace(`; ${unfit.remedy}`, ''), unfit.remedy)];
  const what = `the server is behind a pooler in ${pooler.mode} mode`;
  if (pooler.wanted.length === 0) return [ok(what)];
  const advice = `${pooler.wanted.join('; ')}, then RECONNECT (docs/stores.md, Poolers)`;
  return [warning(`${what}: it drops settings that keep plans and locks short`, advice)];
}
