import { Gauge, type Registry } from 'prom-client';
import { parkedReasons } from '../../../core/parked/parked-item.ts';
import type { Backlog, DatabaseBacklog, StreamBacklog, Waiting } from '../../live/backlog.ts';
import type { Measures } from './measures.ts';

const kindsOfBatches = ['CREATED', 'AGAIN', 'RELEASE', 'REFUND'];
const kindsOfCompensations = ['RESTOCK', 'REFUND'];

/**
 * The backlogs read a few seconds ago, identical in every process. A place that cannot be read has no series,
 * which would silence its alerts: `weir_backlog_known` reports that for each of `places`.
 */
export function measureBacklog(registry: Registry, places: readonly Backlog['place'][]): Measures {
  const gauge = (name: string, help: string, ...labelNames: string[]) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const known = gauge(
    'weir_backlog_known',
    '1 while this process can read the backlog of a place, 0 while it cannot: then the gauges of that place are absent.',
    'place',
  );
  const outbox = {
    count: gauge('weir_outbox_waiting_events', 'Events that wait to be published, by kind.', 'kind'),
    age: gauge('weir_outbox_oldest_age_seconds', 'Age of the oldest event that waits, by kind.', 'kind'),
  };
  const compensations = {
    count: gauge(
      'weir_compensations_waiting',
      'Units and refunds that are owed and not done, by kind.',
      'kind',
    ),
    age: gauge('weir_compensations_oldest_age_seconds', 'Age of the oldest one owed, by kind.', 'kind'),
  };
  const parked = {
    count: gauge('weir_parked_items', 'Parked items that wait for a person, by reason.', 'reason'),
    age: gauge('weir_parked_oldest_age_seconds', 'Age of the oldest parked item, by reason.', 'reason'),
  };
  const processing = gauge(
    'weir_processing_oldest_age_seconds',
    'Since when the oldest instance without a result has been waiting for it. How many: weir_audit_waiting.',
  );
  const jobs = {
    count: gauge('weir_parked_jobs_running', 'Jobs over parked items that have not ended.'),
    age: gauge(
      'weir_parked_jobs_idle_seconds',
      'Since when the job over parked items that waits the longest has made no step; 0 when none runs.',
    ),
  };
  const workerIds = gauge(
    'weir_worker_ids_leased',
    'Worker ids that are leased, of 1024, or of the share of a cell.',
  );
  const streams = gauge('weir_streams', 'Seckill streams, reported by each process that reads streams.');
  const entries = gauge(
    'weir_stream_waiting_entries',
    'Entries of all seckill streams: undelivered, and pending (handed out, not acknowledged).',
    'state',
  );
  const entryAge = gauge(
    'weir_stream_oldest_age_seconds',
    'Age of the oldest entry that waits on any stream.',
  );
  const forget = {
    database() {
      for (const { count, age } of [outbox, compensations, parked]) {
        count.reset();
        age.reset();
      }
      processing.set(Number.NaN);
      workerIds.set(Number.NaN);
      jobs.count.set(Number.NaN);
      jobs.age.set(Number.NaN);
    },
    streams() {
      entries.reset();
      streams.set(Number.NaN);
      entryAge.set(Number.NaN);
    },
  };
  const showDatabase = (found: DatabaseBacklog) => {
    show(outbox, 'kind', kindsOfBatches, found.outbox);
    show(compensations, 'kind', kindsOfCompensations, found.compensations);
    show(parked, 'reason', parkedReasons, found.parked);
    processing.set(found.processingAgeMs / 1000);
    workerIds.set(found.workerIds);
    jobs.count.set(found.parkedJobs.count);
    jobs.age.set(found.parkedJobs.oldestAgeMs / 1000);
  };
  const showStreams = (found: StreamBacklog) => {
    streams.set(found.streams);
    entries.set({ state: 'undelivered' }, found.undelivered);
    entries.set({ state: 'pending' }, found.pending);
    entryAge.set(found.oldestAgeMs / 1000);
  };
  forget.database();
  forget.streams();
  for (const place of places) known.set({ place }, 0);
  return {
    'backlog read'({ backlog }) {
      known.set({ place: backlog.place }, backlog.waiting ? 1 : 0);
      if (!backlog.waiting) forget[backlog.place]();
      else if (backlog.place === 'database') showDatabase(backlog.waiting);
      else showStreams(backlog.waiting);
    },
  };
}

/** Exports every known value, including 0. Labels are codes and kinds, so there are few. */
function show(
  { count, age }: { count: Gauge; age: Gauge },
  label: string,
  known: readonly string[],
  found: ReadonlyMap<string, Waiting>,
): void {
  count.reset();
  age.reset();
  for (const value of new Set([...known, ...found.keys()])) {
    const waiting = found.get(value) ?? { count: 0, oldestAgeMs: 0 };
    count.set({ [label]: value }, waiting.count);
    age.set({ [label]: value }, waiting.oldestAgeMs / 1000);
  }
}
