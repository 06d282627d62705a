import type { HttpRoutes } from '../../adapters/http/server.ts';
import { postgresParkedJobs } from '../../adapters/postgres/parked-jobs.ts';
import { postgresParkedQueries } from '../../adapters/postgres/parked-queries.ts';
import { notifyAfter } from '../../lib/signal.ts';
import type { Components } from '../components.ts';
import { createParkedReplay, type ReplayParts } from '../parked-replay.ts';
import type { Paying } from '../paying.ts';

export type ParkedParts = ReplayParts & Pick<Components, 'creation' | 'jobs'>;

export function createParkedRoutes(
  components: ParkedParts,
  { payOrder }: Pick<Paying, 'payOrder'>,
): Pick<HttpRoutes, 'parked' | 'parkedJobs'> {
  const { database, creation, jobs } = components;
  const { createJob, ...rows } = postgresParkedJobs(database, database.reads);
  return {
    parked: {
      parked: postgresParkedQueries(database.reads),
      replay: createParkedReplay(components, payOrder, creation.createInstances),
    },
    parkedJobs: { ...rows, createJob: notifyAfter(jobs)(createJob) },
  };
}
