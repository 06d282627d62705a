import { removeActivity } from '../../adapters/postgres/activity.ts';
import { postgresArchive } from '../../adapters/postgres/archive.ts';
import { removeEmptyTimes } from '../../adapters/postgres/counted-times.ts';
import { checkSequences } from '../../adapters/postgres/keep-sequences.ts';
import {
  forgetIdempotencyKeys,
  removeOldJobs,
  removeOutboxMarks,
  removeResolvedItems,
  removeSettleMarks,
} from '../../adapters/postgres/old-records.ts';
import { postgresOrders } from '../../adapters/postgres/orders.ts';
import { summarizePages } from '../../adapters/postgres/summarize-pages.ts';
import { failpoint } from '../../lib/failpoint.ts';
import { repeatEvery } from '../../lib/repeat.ts';
import { archiveOld } from '../../ops/retention/archive.ts';
import { archiveFiles } from '../../ops/retention/archive-files.ts';
import { type CleaningTask, clean } from '../../ops/retention/cleaner.ts';
import type { Components } from '../components.ts';
import { reportFailure } from '../report-failure.ts';

const expiryEveryMs = 1_000;
const ordersPerExpiry = 500;

export function addOrderExpiry({
  emit,
  lifecycle,
  database,
}: Pick<Components, 'emit' | 'lifecycle' | 'database'>): void {
  const orders = postgresOrders(database);
  const options = { everyMs: expiryEveryMs, retry, onFailure: reportFailure(emit, 'orders') };
  const expire = async () => {
    for (let count = ordersPerExpiry; count === ordersPerExpiry; ) {
      count = await orders.expireOrders(ordersPerExpiry);
      if (count > 0) emit({ type: 'orders expired', count });
    }
  };
  lifecycle.plan('order expiry', (signal) => repeatEvery(options, expire, signal));
}

export function addAudit({
  config,
  emit,
  lifecycle,
  audit,
}: Pick<Components, 'config' | 'emit' | 'lifecycle' | 'audit'>): void {
  const options = { everyMs: config.audit.everyMs, retry, onFailure: reportFailure(emit, 'audit') };
  const run = async () => {
    await audit('quiet');
  };
  lifecycle.plan('audit', (signal) => repeatEvery(options, run, signal));
}

const cleaningEveryMs = 60_000;
const aDayMs = 86_400_000;
/** How long publish times are kept. */
const marksKeptMs = 7 * aDayMs;
/** Archiving and the cursor over old rows read thousands of rows at a time. */
export const taskDeadlineMs = 60_000;

export function addCleaning({
  config,
  emit,
  lifecycle,
  database: shared,
}: Pick<Components, 'config' | 'emit' | 'lifecycle' | 'database'>): void {
  const database = shared.withDeadline(taskDeadlineMs);
  const tasks: Record<string, CleaningTask> = {};
  const add = (name: string, olderThanMs: number, task: CleaningTask) => {
    if (olderThanMs > 0) tasks[name] = task;
  };
  const rows = postgresArchive(database);
  const files = archiveFiles(config.cleaning.archiveFolder);
  const { archiveAfterMs, parkedAfterMs, idempotencyAfterMs, activityAfterMs } = config.cleaning;
  const afterWrite = () => failpoint('after-archive');
  add('instances archived', archiveAfterMs, async (signal) => {
    const count = await archiveOld(rows, files, archiveAfterMs, { signal, afterWrite });
    if (count > 0) await removeEmptyTimes(database);
    return count;
  });
  add('parked items removed', parkedAfterMs, () => removeResolvedItems(database, parkedAfterMs));
  add('parked jobs removed', parkedAfterMs, () => removeOldJobs(database, parkedAfterMs));
  add('idempotency keys forgotten', idempotencyAfterMs, () =>
    forgetIdempotencyKeys(database, idempotencyAfterMs),
  );
  add('activity removed', activityAfterMs, () => removeActivity(database, activityAfterMs));
  // Deadlines are counted from outbox marks.
  const marksNeededMs = Math.max(marksKeptMs, config.overdue.deadlineMs + aDayMs);
  add('outbox marks removed', marksKeptMs, () => removeOutboxMarks(database, marksNeededMs));
  tasks['settle marks removed'] = () => removeSettleMarks(database);
  tasks['pages summarized'] = () => summarizePages(database);
  // A cutover may happen under a running program, and inserts do not fail while the sequence is below
  // archived rows.
  tasks['sequences raised'] = async () => {
    await checkSequences(database, (warning) => emit({ type: 'warned', warning }));
    return 0;
  };
  const options = { everyMs: cleaningEveryMs, retry, onFailure: reportFailure(emit, 'cleaning') };
  const onCleaned = (what: string, count: number) => emit({ type: 'cleaned', what, count });
  lifecycle.plan('cleaning', (signal) => repeatEvery(options, () => clean(tasks, onCleaned, signal), signal));
}

const retry = { firstMs: 1_000, maxMs: 60_000 };
