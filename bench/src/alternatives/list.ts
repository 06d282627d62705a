import type { Alternative } from './alternative.ts';
import { bullmq } from './bullmq.ts';
import { dbos } from './dbos.ts';
import { graphileWorker } from './graphile-worker.ts';
import { pgBoss } from './pg-boss.ts';
import { pgTransactionalOutbox } from './pg-transactional-outbox.ts';
import { restate } from './restate.ts';
import { rowOutbox } from './row-outbox.ts';
import { seed } from './seed.ts';

/**
 * Each has the same effect as Weir's pipeline: a row and a confirmed message for every entry, acknowledged
 * when safe.
 */
export const alternatives: readonly Alternative[] = [
  seed,
  rowOutbox,
  graphileWorker,
  pgBoss,
  bullmq,
  dbos,
  pgTransactionalOutbox,
  restate,
];

/**
 * The packaged ones, without the seed's flow, which loses and duplicates in a crash, and the hand-written
 * one.
 */
export const packaged = alternatives.filter(({ package: name }) => name !== undefined);
