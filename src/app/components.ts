import type { Readiness } from '../adapters/http/routes/health.ts';
import { audit as runAudit } from '../adapters/postgres/audit.ts';
import { postgresInstanceLogs } from '../adapters/postgres/instance-logs.ts';
import { postgresProducts } from '../adapters/postgres/products.ts';
import { settleByHand, settleResults } from '../adapters/postgres/settle.ts';
import { isTransientDatabaseError } from '../adapters/postgres/transient.ts';
import { postgresWorkerLeases } from '../adapters/postgres/worker-leases.ts';
import type { Config } from '../config/config.ts';
import type { Actor } from '../core/actor.ts';
import { type CreateInstances, createInstances } from '../core/instance/create-instances.ts';
import {
  refreshStaleProducts,
  reportCreated,
  retryBatch,
  splitPoisonedBatch,
} from '../core/instance/creation-policy.ts';
import { createEventEncoders } from '../core/instance/instance-created.ts';
import { InstanceIds, type WorkerLeases } from '../core/instance/instance-id.ts';
import { ProductCache } from '../core/instance/product.ts';
import { IntakeGate } from '../core/outbox/intake-gate.ts';
import type { Outbox } from '../core/outbox/outbox.ts';
import type { Settled } from '../core/results/classify-result.ts';
import type { InstanceResult } from '../core/results/result.ts';
import type { Settle } from '../core/results/take-results.ts';
import { systemClock } from '../lib/clock.ts';
import { shareInFlight } from '../lib/gather.ts';
import type { Lifecycle } from '../lib/lifecycle.ts';
import { Outages } from '../lib/outages.ts';
import { recovery } from '../lib/recovery.ts';
import { retryTransient } from '../lib/repeat.ts';
import { Signal } from '../lib/signal.ts';
import type { Database } from '../lib/sql.ts';
import type { Audit } from '../ops/audit/audit.ts';
import type { Emit } from '../ops/telemetry/events.ts';
import { createTracing, type Tracing } from '../ops/telemetry/tracing/tracing.ts';
import { reportFailure } from './report-failure.ts';
import { openDatabase, openOutbox } from './stores.ts';
import { type OpenStreams, openStreams } from './streams.ts';

/**
 * `quiet`, the periodic audit, does not search for the rows behind a difference, which would read whole
 * tables.
 */
type AuditKind = 'quiet' | 'explained' | 'full';

/** The parts from which the roles are built. */
export interface Components {
  config: Config;
  emit: Emit;
  lifecycle: Lifecycle;
  readiness: Readiness;
  database: Database;
  ids: InstanceIds;
  creation: { createInstances: CreateInstances };
  /** For callers who wait: a commit that is not answered soon is abandoned and repeated. */
  requestCreation: { createInstances: CreateInstances };
  outbox: Outbox;
  /** The database of an embedded queue. */
  queueDatabase: Database;
  gate: IntakeGate;
  streams: OpenStreams;
  settle: Settle;
  settleByHand: (result: InstanceResult, actor: Actor) => Promise<Settled>;
  tracing: Tracing;
  /** Concurrent callers with the same request share one answer. */
  audit: (how: AuditKind) => Promise<Audit>;
  /** Signalled after each commit that left batches in the outbox. */
  committed: Signal;
  /** Signalled when units may have to be restocked. */
  owed: Signal;
  /** Signalled when a job over parked items was created. */
  jobs: Signal;
  outages: Outages;
}

export async function createComponents(
  config: Config,
  report: Emit,
  lifecycle: Lifecycle,
): Promise<Components> {
  const outages = new Outages();
  outages.onOver(() => recovery.signal());
  const emit = watchOutages(report, outages);
  const database = await openDatabase(config.data, emit);
  lifecycle.defer('database', () => database.close());
  const ids = new InstanceIds(
    reportLeases(postgresWorkerLeases(database.withDeadline(probeDeadlineMs), config.server.cell), emit),
  );
  lifecycle.defer('worker lease', () => ids.release());
  const { outbox, queueDatabase } = openOutbox(config.data, database);
  const gate = new IntakeGate(openOutbox(config.data, database.withDeadline(probeDeadlineMs)).outbox, {
    highWater: config.outbox.highWater,
    everyMs: 500,
    lateAfterMs: probeDeadlineMs,
    onPaused: (waiting) => emit({ type: 'intake paused', waiting }),
    onResumed: (waiting) => emit({ type: 'intake resumed', waiting }),
    onFailure: reportFailure(emit, 'database'),
    onAnswered() {
      if (outages.works('database', 1)) emit({ type: 'store back', store: 'database' });
    },
  });
  const committed = new Signal();
  const owed = new Signal();
  const tracing = createTracing(config.data);
  const createCreation = (on: Database) => {
    const onCreated = (counts: ReadonlyMap<string, number>, durationMs: number) => {
      committed.notify();
      outages.works('database', 1);
      emit({ type: 'instances created', counts, durationMs });
    };
    return { createInstances: tracing.creation(composeCreation(on, ids, onCreated)) };
  };
  const settle: Settle = tracing.settle(async (results) => {
    const settled = await retryTransient(() => settleResults(database, results), isTransientDatabaseError);
    committed.notify();
    owed.notify();
    emit({ type: 'results judged', results, settled });
    return settled;
  });
  const streams = openStreams(config, database, emit);
  lifecycle.defer('streams', streams.close);
  const audit = shareInFlight(async (how: AuditKind) => {
    const options = { full: how === 'full', explain: how !== 'quiet' };
    // An audit on request must not take a connection from the shop.
    const on = (how === 'quiet' ? database : database.reads).withDeadline(auditDeadlineMs);
    const { database: view, readings } = streams.readingsOn(on);
    const result = await retryTransient(() => runAudit(view, readings, options), isTransientDatabaseError, {
      maxAttempts: 5,
    });
    emit({ type: 'audited', audit: result, isPeriodic: how === 'quiet' });
    return result;
  });
  const readiness: Readiness = { start: () => 'waiting for the stores' };
  return {
    config,
    emit,
    lifecycle,
    readiness,
    database,
    ids,
    creation: createCreation(database),
    requestCreation: createCreation(database.withDeadline(requestDeadlineMs)),
    outbox,
    queueDatabase,
    gate,
    streams,
    settle,
    settleByHand: async (result, actor) => {
      const settled = await settleByHand(database, result, actor);
      committed.notify();
      owed.notify();
      emit({ type: 'results judged', results: [result], settled: [settled] });
      return settled;
    },
    tracing,
    audit,
    committed,
    owed,
    jobs: new Signal(),
    outages,
  };
}

/** How a purchase becomes an instance, with everything around the one commit; read from the inside out. */
export function composeCreation(
  database: Database,
  ids: InstanceIds,
  onCreated: (counts: ReadonlyMap<string, number>, durationMs: number) => void = () => {},
): CreateInstances {
  const products = new ProductCache(postgresProducts(database));
  const deps = {
    ...{ ids, products, encodeEvent: createEventEncoders(), clock: systemClock },
    instanceLogs: postgresInstanceLogs(database),
  };
  const createBatch = refreshStaleProducts(products, (drafts) => createInstances(deps, drafts));
  const retried = retryBatch(isTransientDatabaseError, createBatch);
  return reportCreated(onCreated, systemClock, splitPoisonedBatch(isTransientDatabaseError, retried));
}

/** For checks of whether the database answers at all. */
const probeDeadlineMs = 3_000;
/** Shorter than the time a caller waits (http/plugins/deadline.ts). */
export const requestDeadlineMs = 4_000;
/** An audit reads whole tables. */
const auditDeadlineMs = 60_000;

/** Brokers and Redis report each connection attempt: from the second one on it is an outage. */
function watchOutages(report: Emit, outages: Outages): Emit {
  return (event) => {
    report(event);
    if (event.type === 'store failed') outages.failed(event.store, event.attempt);
    else if (event.type === 'store back') outages.works(event.store, 2);
  };
}

/** Emits what an operator should see: a process that gets no worker id, or loses it repeatedly. */
function reportLeases(leases: WorkerLeases, emit: Emit): WorkerLeases {
  return {
    async acquire(durationMs) {
      const lease = await leases.acquire(durationMs);
      emit({ type: 'worker id', outcome: lease ? 'acquired' : 'refused', workerId: lease?.workerId });
      return lease;
    },
    async renew(held, nowMs, durationMs) {
      const lease = await leases.renew(held, nowMs, durationMs);
      if (!lease) emit({ type: 'worker id', outcome: 'lost', workerId: held.workerId });
      return lease;
    },
    release: (lease) => leases.release(lease),
  };
}
