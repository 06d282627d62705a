import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parkItems } from '../../src/adapters/postgres/parked.ts';
import type { Database } from '../../src/lib/sql.ts';

export const hostile = '<img src=x onerror="document.title=1">';
/**
 * An override of the direction, a zero-width space and a control sequence: shown as escapes, or not at all.
 */
export const forged = 'gpj\u202e.exe\u200b\x9b31m';
export const shownForged = String.raw`gpj\u202e.exe\u200b\x9b31m`;
export const views = [
  'now',
  'instances',
  'orders',
  'refunds',
  'sales',
  'products',
  'parked',
  'activity',
  'trend',
  'audit',
  'try',
] as const;
export const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/**
 * Long enough for the simulated Resource Domain, whose delay leaves a busy machine time for the operator's
 * result.
 */
export const settled = { timeout: 20_000 };

/** Three items that no replay can resolve, the third with an id as long as a hash. */
export async function parkHostile(database: Database): Promise<void> {
  await parkItems(
    database,
    [1, 2, 3].map((n) => ({
      origin: 'STREAM',
      reason: 'USER_ID_INVALID',
      detail: `uid is ${hostile} ${forged}`,
      source: 'SECKILL',
      scope: 'stream:seckill:1001',
      sourceId: n === 3 ? 'ab'.repeat(32) : `${n}-0`,
      original: Buffer.from(`uid ${hostile}\n${forged}`),
    })),
  );
}
