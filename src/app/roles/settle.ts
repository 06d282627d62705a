import { createHash } from 'node:crypto';
import { postgresRestocks, unlockedRestocks } from '../../adapters/postgres/compensations.ts';
import { countPublished } from '../../adapters/postgres/outbox-state.ts';
import { postgresOverdue } from '../../adapters/postgres/overdue.ts';
import { parkItems } from '../../adapters/postgres/parked.ts';
import { repeatRefundRequests } from '../../adapters/postgres/refund-requests.ts';
import { isTransientDatabaseError } from '../../adapters/postgres/transient.ts';
import { Restock } from '../../core/compensation/restock.ts';
import type { DeadLetter } from '../../core/parked/dead-letter.ts';
import { takeDeadLetters } from '../../core/parked/take-dead-letters.ts';
import { watchCaughtUp } from '../../core/results/caught-up.ts';
import { type QueueReading, Rescuer } from '../../core/results/rescuer.ts';
import { type ResultQueue, TakeResults, type UnfitResult } from '../../core/results/take-results.ts';
import { labelQueue, watchedQueues } from '../../core/results/watched-queues.ts';
import { systemClock } from '../../lib/clock.ts';
import { repeatEvery } from '../../lib/repeat.ts';
import type { Components } from '../components.ts';
import { addParkedJobs, type ParkedJobParts } from '../parked-replay.ts';
import { openDeadLetterQueue, openQueueReader, openResultQueue, type QueueReader } from '../queues.ts';
import { reportFailure } from '../report-failure.ts';
import { isDatabaseEmbedded } from '../stores.ts';
import { addAudit, addCleaning, addOrderExpiry, taskDeadlineMs } from './upkeep.ts';

type SettleParts = ParkedJobParts &
  Pick<Components, 'config' | 'readiness' | 'streams' | 'tracing' | 'audit'>;

/** The role `settle`: everything that happens to instances and orders after their creation. */
export function addSettle(components: SettleParts): void {
  const { config, emit, lifecycle, readiness, database, streams, owed } = components;
  readiness.streams = streams.notReady;
  const results = openResultQueue(config.data, database, emit);
  lifecycle.defer('result queue', results.close);
  readiness.results = results.notReady;
  addResults(components, components.tracing.resultQueue(results.queue));
  addDeadLetters(components);

  const restock = new Restock({
    rows: isDatabaseEmbedded(config.data) ? unlockedRestocks(database) : postgresRestocks(database),
    counters: streams.counters,
    signal: owed,
    onRestocked: (outcomes) => emit({ type: 'units restocked', outcomes }),
    onFailedUnits: (failed) => emit({ type: 'restocks failed', ...failed }),
    onFailure: reportFailure(emit, 'restock'),
  });
  lifecycle.plan('restock', (signal) => restock.run(signal));
  const queues = openQueueReader(config, database, emit);
  lifecycle.defer('queue reader', queues.close);
  addQueueWatch(components, queues);
  addRescuer(components, results.queue, queues);
  addRefundRequests(components, queues);
  addOrderExpiry(components);
  if (config.audit.everyMs > 0) addAudit(components);
  addParkedJobs(components);
  addCleaning(components);
}

function addResults(
  {
    config,
    emit,
    lifecycle,
    database,
    settle,
  }: Pick<Components, 'config' | 'emit' | 'lifecycle' | 'database' | 'settle'>,
  queue: ResultQueue,
): void {
  const intake = new TakeResults({
    queue,
    settle,
    park: (unfit) =>
      parkItems(
        database,
        unfit.map((result) => toParkedItem(result, config.data.rabbitmq.resultQueue)),
      ),
    isTransient: isTransientDatabaseError,
    clock: systemClock,
    onSettled: (counts) => emit({ type: 'results settled', counts }),
    onParked: (unfit) => emit({ type: 'results parked', results: unfit }),
    onFailure: reportFailure(emit, 'results'),
  });
  lifecycle.plan('results', (signal) => intake.run(signal));
}

/** Separate from the results: a broker that forbids this queue must not prevent reading them. */
function addDeadLetters({
  config,
  emit,
  lifecycle,
  database,
}: Pick<Components, 'config' | 'emit' | 'lifecycle' | 'database'>): void {
  const queue = openDeadLetterQueue(config.data.rabbitmq, database, emit);
  if (!queue) return;
  lifecycle.defer('dead-letter queue', () => queue.close());
  const parts = {
    queue,
    resultQueue: config.data.rabbitmq.resultQueue,
    park: (letters: readonly DeadLetter[]) => parkItems(database, letters.map(toDeadItem)),
    clock: systemClock,
    onParked: (letters: readonly DeadLetter[]) => emit({ type: 'dead letters parked', letters }),
    onFailure: reportFailure(emit, 'dead letters'),
  };
  lifecycle.plan('dead letters', (signal) => takeDeadLetters(parts, signal));
}

function toDeadItem({ queue, error, ...letter }: DeadLetter) {
  const { code: reason, message: detail } = error;
  return { ...letter, origin: 'DEAD_LETTER' as const, reason, detail, source: '', scope: queue };
}

/** The same bytes are parked once, however often they arrive. */
function toParkedItem({ error, original }: UnfitResult, queue: string) {
  return {
    origin: 'RESULT' as const,
    reason: error.code,
    detail: error.message,
    params: error.params,
    source: '',
    scope: queue,
    sourceId: createHash('sha256').update(original).digest('hex'),
    original,
  };
}

const queuesEveryMs = 5_000;

/** Emits the backlog and the consumers of queues that other programs read. */
function addQueueWatch(
  { emit, lifecycle }: Pick<Components, 'emit' | 'lifecycle'>,
  queues: QueueReader,
): void {
  const options = {
    everyMs: queuesEveryMs,
    retry,
    onFailure(error: unknown, attempt: number) {
      emit({ type: 'queues read', readings: undefined });
      reportFailure(emit, 'queues')(error, attempt);
    },
  };
  const read = async () => {
    const readings = new Map<string, QueueReading>();
    for (const queue of watchedQueues) {
      const all = await queues.read(queue);
      all.forEach((reading, i) => {
        if (reading) readings.set(labelQueue(queue, i, all.length), reading);
      });
    }
    emit({ type: 'queues read', readings });
  };
  lifecycle.plan('queue watch', (signal) => repeatEvery(options, read, signal));
}

const rescueEveryMs = 5_000;

type RescuerParts = Pick<Components, 'config' | 'emit' | 'lifecycle' | 'database' | 'committed' | 'owed'>;

function addRescuer(components: RescuerParts, queue: ResultQueue, queues: QueueReader): void {
  const { config, emit, lifecycle, database, committed, owed } = components;
  const watch = new Rescuer(
    {
      rows: postgresOverdue(database.withDeadline(taskDeadlineMs)),
      readQueues: async () =>
        (await queues.read('created')).map((reading) => reading ?? { ready: 0, consumers: 0 }),
      hasCaughtUp: watchCaughtUp(() => queue.readProgress()),
      onWay: (blockedBy) => emit({ type: 'deadlines switched', blockedBy }),
      onHandled(counts) {
        committed.notify();
        owed.notify();
        emit({ type: 'instances overdue', ...counts });
      },
      onFailure: reportFailure(emit, 'rescuer'),
    },
    {
      ...config.overdue,
      everyMs: Math.min(rescueEveryMs, config.overdue.deadlineMs),
      calmMs: config.overdue.deadlineMs,
    },
  );
  lifecycle.plan('rescuer', (signal) => watch.run(signal));
}

const refundsEveryMs = 10_000;

/** While requests are unread on their queue, another copy would only lengthen it. */
function addRefundRequests(
  { emit, lifecycle, database, committed }: Pick<Components, 'emit' | 'lifecycle' | 'database' | 'committed'>,
  queues: QueueReader,
): void {
  const options = { everyMs: refundsEveryMs, retry, onFailure: reportFailure(emit, 'refunds') };
  const areRead = watchCaughtUp(async () => {
    const published = await countPublished(database, 'REFUND');
    const [reading] = await queues.read('refund');
    const waiting = reading?.ready ?? 0;
    return { waiting, finished: published - waiting };
  });
  const repeat = async () => {
    if (!(await areRead())) return;
    const count = await repeatRefundRequests(database);
    if (count === 0) return;
    committed.notify();
    emit({ type: 'refunds requested again', count });
  };
  lifecycle.plan('refund requests', (signal) => repeatEvery(options, repeat, signal));
}

const retry = { firstMs: 1_000, maxMs: 60_000 };
