import { postgresParked } from '../adapters/postgres/parked.ts';
import { postgresJobSteps } from '../adapters/postgres/parked-job-steps.ts';
import { postgresParkedOfJobs } from '../adapters/postgres/parked-of-jobs.ts';
import { isTransientDatabaseError } from '../adapters/postgres/transient.ts';
import { describeStatement } from '../api/describe.ts';
import type { CreateInstances } from '../core/instance/create-instances.ts';
import { ParkedJobRunner } from '../core/parked/parked-job-runner.ts';
import { ParkedReplay, type ParkedRows } from '../core/parked/replay.ts';
import type { PaidOrder, PaymentAnswer } from '../core/triggers/order-paid.ts';
import { gather } from '../lib/gather.ts';
import type { Components } from './components.ts';
import { createPaying, type PayingParts } from './paying.ts';
import { reportFailure } from './report-failure.ts';

export type ReplayParts = Pick<Components, 'database' | 'settle' | 'committed' | 'owed' | 'emit'>;

export function createParkedReplay(
  { database, settle, committed, owed, emit }: ReplayParts,
  payOrder: (paid: PaidOrder) => Promise<PaymentAnswer>,
  createInstances: CreateInstances,
  rows: ParkedRows = postgresParked(database),
): ParkedReplay {
  return new ParkedReplay({
    ...{ payOrder, createInstances, settle, rows },
    isTransient: isTransientDatabaseError,
    onResolved({ id }, { state, actor, statement, job }) {
      committed.notify();
      owed.notify();
      // A job says how many at the end of each step.
      if (job) return;
      const resolution = describeStatement(statement);
      emit({ type: 'parked item resolved', id, state, by: actor.name, resolution });
    },
  });
}

export type ParkedJobParts = ReplayParts & PayingParts & Pick<Components, 'lifecycle' | 'jobs'>;

/** Replays and discards by filter: every process with the role `settle` runs the next step of some job. */
export function addParkedJobs(components: ParkedJobParts): void {
  const { database, lifecycle, emit, creation, jobs, owed } = components;
  // Those that are replayed at one moment share a commit.
  const createInstance = gather(creation.createInstances, { maxItems: 500, maxInFlight: 1 });
  const replay = createParkedReplay(
    components,
    createPaying(components).payOrder,
    (purchases) => Promise.all(purchases.map(createInstance)),
    postgresParkedOfJobs(database),
  );
  const runner = new ParkedJobRunner({
    rows: postgresJobSteps(database),
    replay: (...item) => replay.replay(...item),
    isTransient: isTransientDatabaseError,
    signal: jobs,
    onStep({ jobId, action, actor }, result, isLast) {
      if (action === 'discard') owed.notify();
      emit({ type: 'parked job stepped', jobId, action, by: actor.name, ...result, isLast });
    },
    onFailure: reportFailure(emit, 'parked jobs'),
  });
  lifecycle.plan('parked jobs', (signal) => runner.run(signal));
}
